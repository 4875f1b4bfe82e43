#include "load_log.h"

#include <map>
#include <string_view>

#include "fields.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

constexpr std::uint64_t kMaxLogBytes = std::uint64_t{256} << 20;
constexpr std::size_t kMaxLineBytes = std::size_t{1} << 20;

CurvePoint point_of(const Fields& line) {
  return {.step = line.integer("step"),
          .loss = line.number("loss"),
          .bits_per_byte = line.number("bits_per_byte"),
          .excess = line.number("excess"),
          .cv = line.number("cv"),
          .mean_gate = line.number("mean_gate"),
          .first_token_weight = line.number("first_token_weight")};
}

}  // namespace

std::vector<CurvePoint> load_validation_curve(const std::filesystem::path& log) {
  const std::string text = read_file(log, kMaxLogBytes);
  std::map<std::int64_t, CurvePoint> points;
  std::size_t begin = 0, number = 1;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    const std::string where = concat(log.string(), ", line ", number++);
    if (line.empty()) continue;
    const nlohmann::json parsed = parse_json(line, where, kMaxLineBytes);
    const Fields fields(parsed, where);
    if (fields.text("kind") != "validation") continue;
    const CurvePoint point = point_of(fields);
    points.insert_or_assign(point.step, point);
  }
  std::vector<CurvePoint> curve;
  for (const auto& [step, point] : points) curve.push_back(point);
  return curve;
}

}  // namespace sinkwise::compare
