#include "fields.h"
#include "sinkwise/compare/run.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{8} << 20;

Overhead overhead_of(const Fields& fields) {
  const std::vector<double> quartiles = fields.numbers("quartiles");
  if (quartiles.size() != 2)
    fields.fail("quartiles", "two numbers, lower and upper", concat(quartiles.size(), " numbers"));
  return {.task = fields.text("task"),
          .mechanism = fields.text("mechanism"),
          .base_ms = fields.number("base_ms"),
          .balanced_ms = fields.number("balanced_ms"),
          .ratio = fields.number("ratio"),
          .lower_quartile = quartiles[0],
          .upper_quartile = quartiles[1],
          .pairs = fields.integer_or("pairs", 0)};
}

}  // namespace

std::vector<Overhead> load_overhead(const std::filesystem::path& file) {
  const nlohmann::json list = parse_json(read_file(file, kMaxBytes), file.string(), kMaxBytes);
  const nlohmann::json root = {{"overhead", list}};
  std::vector<Overhead> rows;
  for (const Fields& fields : Fields(root, file.string()).objects("overhead"))
    rows.push_back(overhead_of(fields));
  return rows;
}

}  // namespace sinkwise::compare
