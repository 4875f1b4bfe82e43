#include "sinkwise/config/differences.h"

#include <nlohmann/json.hpp>

#include "sinkwise/core/error.h"
#include "sinkwise/core/json.h"

namespace sinkwise::config {
namespace {

constexpr std::size_t kLargestJson = 8 << 20;

nlohmann::json object(const std::string& text, const char* where) {
  auto json = parse_json(text, where, kLargestJson);
  if (json.is_object()) return json;
  throw BadFile({.what = "a configuration is not a JSON object",
                 .where = where,
                 .expected = "{\"key\": value, ...}",
                 .found = json.type_name()});
}

std::string text_at(const nlohmann::json& json, const std::string& key) {
  const auto place = json.find(key);
  return place == json.end() ? std::string() : json_text(*place);
}

}  // namespace

std::vector<Difference> differences(const std::string& first_json, const std::string& second_json) {
  const nlohmann::json first = object(first_json, "first configuration");
  const nlohmann::json second = object(second_json, "second configuration");
  nlohmann::json keys = first;
  keys.update(second);
  std::vector<Difference> found;
  for (const auto& [key, unused] : keys.items()) {
    const bool same = first.contains(key) && second.contains(key) && first[key] == second[key];
    if (!same) found.push_back({key, text_at(first, key), text_at(second, key)});
  }
  return found;
}

}  // namespace sinkwise::config
