#include "expectation.h"

#include <algorithm>

#include "sinkwise/core/text.h"

namespace sinkwise::config {
namespace {

std::string with_article(const std::string& noun) {
  return (std::string("aeiou").find(noun.front()) == std::string::npos ? "a " : "an ") + noun;
}

}  // namespace

bool all_within(const Range& range, const Value& value) {
  const auto inside = [&](auto number) { return range.contains(static_cast<double>(number)); };
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return inside(*integer);
  if (const auto* number = std::get_if<double>(&value)) return inside(*number);
  const auto* list = std::get_if<std::vector<std::int64_t>>(&value);
  return list == nullptr || std::all_of(list->begin(), list->end(), inside);
}

std::string expectation(Type type, const Range& range, const std::vector<std::string>& choices) {
  if (type == Type::choice) return "one of " + join(choices);
  if (type == Type::boolean) return "true or false";
  const std::string noun = with_article(name_of(type));
  if (!range.bounded()) return noun;
  return noun + (type == Type::integers ? ", each " : " ") + range.describe();
}

}  // namespace sinkwise::config
