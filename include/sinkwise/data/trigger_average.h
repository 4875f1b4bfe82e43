#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sinkwise/data/task.h"

namespace sinkwise::data {

struct TriggerAverageOptions {
  std::int64_t features = 18;           // F, at least 3
  std::int64_t length = 32;             // T, at least 3
  double trigger_probability = 0.2;     // of each position from 2 on, in (0, 1)
  std::int64_t seed = 0;                // decides the training rows
  std::int64_t validation_seed = 1234;  // decides the validation rows
  std::int64_t validation_rows = 256;
};

// The trigger-conditional average (after arXiv 2603.11487): at a trigger output the mean of the
// earlier ordinary tokens, elsewhere output 0.
//
// Features [B, T, F]: channels 0 .. F-3 content, F-2 trigger flag, F-1 begin flag.
//   position 0    anchor: content 0, begin flag 1
//   position 1    ordinary: content ~ N(0, 1), flags 0
//   position t    trigger with trigger_probability (content ~ N(0, 1), trigger flag 1), else
//   ordinary
// Targets [B, T, F]: at a trigger, the mean of the content of the ordinary tokens before it; the
// flag channels and all other positions 0.
//
// The mean leaves out the anchor and the triggers, so that one softmax layer can solve the task
// exactly: a trigger attends evenly to keys without a flag, every other row to the anchor, whose
// value is 0. (With one trigger a row it is the paper's mean of all preceding tokens.)
// Group "trigger" or "other"; none for the anchor, which sees only itself. The oracle loss is 0.
class TriggerAverage final : public Task {
 public:
  // BadConfig when an option is out of its range.
  explicit TriggerAverage(TriggerAverageOptions options = {});

  std::string name() const override { return "trigger_average"; }
  std::int64_t vocabulary() const override { return 0; }
  std::int64_t feature_size() const override { return options_.features; }
  std::int64_t length() const override { return options_.length; }
  Batch train_batch(std::int64_t step, std::int64_t first_row, std::int64_t rows) const override;
  std::int64_t validation_rows() const override { return options_.validation_rows; }
  Batch validation_batch(std::int64_t first_row, std::int64_t rows) const override;
  std::vector<std::string> groups() const override { return {"trigger", "other"}; }
  std::uint64_t fingerprint() const override;

  static constexpr std::uint8_t kTrigger = 0;
  static constexpr std::uint8_t kOther = 1;

 private:
  void fill(Batch& batch, std::int64_t row, std::uint64_t key) const;
  Batch batch(std::int64_t first_row, std::int64_t rows, std::uint64_t key) const;

  TriggerAverageOptions options_;
};

}  // namespace sinkwise::data
