#include "fields.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::eval {
namespace {

using nlohmann::json;

constexpr std::size_t kShown = 60;  // bytes of a value in a message

std::string shown(const json& value) {
  const std::string text = value.dump(-1, ' ', true);
  return text.size() <= kShown ? text : text.substr(0, kShown) + "...";
}

// The whole number that a value is or spells; nothing for anything else.
std::optional<std::int64_t> whole(const json& value) {
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Fields::Fields(const json& json, std::string where) : json_(json), where_(std::move(where)) {
  if (json_.is_object()) return;
  throw BadFile({"a row is no JSON object", printable(where_), "an object", shown(json_),
                 "the layouts are in docs/evaluation.md"});
}

void Fields::fail(const char* name, const std::string& expected, const std::string& found) const {
  throw BadFile({"a row of an evaluation set does not hold what its task needs",
                 concat(printable(where_), ", member \"", name, "\""), expected, found,
                 "the layouts are in docs/evaluation.md; check that the task fits the file"});
}

const json& Fields::member(const char* name, const char* expected) const {
  const auto at = json_.find(name);
  if (at == json_.end()) fail(name, expected, "no such member");
  return *at;
}

std::string Fields::text(const char* name) const {
  const json& value = member(name, "a text");
  if (!value.is_string()) fail(name, "a text", shown(value));
  return value.get<std::string>();
}

std::vector<std::string> Fields::texts(const char* name) const {
  const json& value = member(name, "a list of texts");
  const bool fits =
      value.is_array() &&
      std::all_of(value.begin(), value.end(), [](const json& one) { return one.is_string(); });
  if (!fits) fail(name, "a list of texts", shown(value));
  return value.get<std::vector<std::string>>();
}

std::vector<Fields> Fields::objects(const char* name) const {
  const json& value = member(name, "a list of objects");
  if (!value.is_array()) fail(name, "a list of objects", shown(value));
  std::vector<Fields> fields;
  for (const json& one : value) fields.emplace_back(one, concat(where_, ", in \"", name, "\""));
  return fields;
}

bool Fields::holds_object(const char* name) const {
  return has(name) && json_.at(name).is_object();
}

Fields Fields::object(const char* name) const {
  const json& value = member(name, "an object");
  if (!value.is_object()) fail(name, "an object", shown(value));
  return {value, concat(where_, ", in \"", name, "\"")};
}

std::size_t Fields::choice(const char* name, std::size_t count, std::int64_t first) const {
  const std::int64_t last = first + static_cast<std::int64_t>(count) - 1;
  const std::string expected = concat("a whole number from ", first, " to ", last);
  const json& value = member(name, expected.c_str());
  const auto number = whole(value);
  if (!number || *number < first || *number > last) fail(name, expected, shown(value));
  return static_cast<std::size_t>(*number - first);
}

}  // namespace sinkwise::eval
