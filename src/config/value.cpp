#include "sinkwise/config/value.h"

#include <charconv>
#include <cmath>
#include <string_view>

#include "quote.h"
#include "sinkwise/core/text.h"

namespace sinkwise::config {
namespace {

// The shortest digits that read back as the same double.
std::string digits(double value) {
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
  return {buffer, result.ptr};
}

// TOML tells a number from an integer by a point or an exponent.
std::string toml_number(double value) {
  std::string text = digits(value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

struct TomlWriter {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return toml_number(value); }
  std::string operator()(const std::string& value) const { return quote(value); }

  template <typename T>
  std::string operator()(const std::vector<T>& values) const {
    std::vector<std::string> parts;
    for (const T& value : values) parts.push_back((*this)(value));
    return "[" + join(parts) + "]";
  }
};

}  // namespace

std::string name_of(Type type) {
  static constexpr const char* kNames[] = {
      "boolean", "integer", "number", "string", "list of strings", "list of integers", "choice"};
  return kNames[static_cast<int>(type)];
}

bool Range::contains(double value) const {
  if (!std::isfinite(value)) return false;
  const bool above_low = low_open ? value > low : value >= low;
  const bool below_high = high_open ? value < high : value <= high;
  return above_low && below_high;
}

bool Range::bounded() const { return std::isfinite(low) || std::isfinite(high); }

std::string Range::describe() const {
  if (!bounded()) return {};
  if (!std::isfinite(high)) return (low_open ? "> " : ">= ") + digits(low);
  if (!std::isfinite(low)) return (high_open ? "< " : "<= ") + digits(high);
  return concat("in ", low_open ? "(" : "[", digits(low), ", ", digits(high),
                high_open ? ")" : "]");
}

Range at_least(double low) { return {.low = low}; }

Range above(double low) { return {.low = low, .low_open = true}; }

Range within(double low, double high) { return {.low = low, .high = high}; }

Range from_below(double low, double high) { return {.low = low, .high = high, .high_open = true}; }

std::string to_toml(const Value& value) { return std::visit(TomlWriter{}, value); }

}  // namespace sinkwise::config
