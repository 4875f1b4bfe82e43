#pragma once

#include <cstdint>
#include <string>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::data {

inline constexpr std::int64_t kLongest =
    1 << 24;  // T of any task: beyond it a row alone fills memory

// BadConfig: options come from a recipe, where `key` stands.
inline void check_option(bool good, const std::string& task, const std::string& key,
                         const std::string& expected, const std::string& found) {
  if (good) return;
  throw BadConfig({.what = "a task cannot be built with this option",
                   .where = key + ", task " + task,
                   .expected = expected,
                   .found = found,
                   .next = "correct " + key + " in the recipe"});
}

// BadConfig unless low <= value <= high.
inline void check_between(std::int64_t value, std::int64_t low, std::int64_t high,
                          const std::string& task, const std::string& key) {
  check_option(value >= low && value <= high, task, key, concat(low, " to ", high),
               std::to_string(value));
}

// BadArgument unless the rows are a range of rows of some step.
inline void check_rows(std::int64_t step, std::int64_t first_row, std::int64_t rows) {
  if (step >= 0 && first_row >= 0 && rows >= 0) return;
  throw BadArgument({.what = "a batch was asked for with a negative number",
                     .where = "Task::train_batch",
                     .expected = "step, first_row and rows >= 0",
                     .found = concat("step ", step, ", first_row ", first_row, ", rows ", rows)});
}

// BadArgument unless the rows are among `total` held-out rows.
inline void check_validation_rows(std::int64_t first_row, std::int64_t rows, std::int64_t total) {
  if (first_row >= 0 && rows >= 0 && first_row <= total && rows <= total - first_row) return;
  throw BadArgument({.what = "held-out rows were asked for that do not exist",
                     .where = "Task::validation_batch",
                     .expected = concat("rows within [0, ", total, ")"),
                     .found = concat(rows, " rows from ", first_row)});
}

}  // namespace sinkwise::data
