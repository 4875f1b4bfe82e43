#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

namespace sinkwise::config {

// The order is that of Value's alternatives; a choice is held as the text of its name.
enum class Type { boolean, integer, number, text, texts, integers, choice };

using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>,
                           std::vector<std::int64_t>>;

// "boolean", "integer", "number", "string", "list of strings", "list of integers", "choice".
std::string name_of(Type type);

// An interval of numbers; for a list, of each element. Both ends are inclusive unless marked open.
// Non-finite values lie in no range.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;
  bool high_open = false;

  bool contains(double value) const;
  bool bounded() const;

  // ">= 1", "> 0", "in [0, 1)", or empty when unbounded.
  std::string describe() const;
};

Range at_least(double low);                 // low <= x
Range above(double low);                    // low < x
Range within(double low, double high);      // low <= x <= high
Range from_below(double low, double high);  // low <= x < high

// TOML syntax, which parses back to the same bits: numbers keep a point or an exponent, strings are
// quoted with control characters escaped, lists stand in brackets.
std::string to_toml(const Value& value);

}  // namespace sinkwise::config
