#include "config_reader.h"

#include <cmath>
#include <limits>

#include "sinkwise/core/error.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"

namespace sinkwise::pretrained {
namespace {

constexpr std::int64_t kLargestSize = std::int64_t{1} << 24;
constexpr std::int64_t kMostLayers = 4096;
constexpr double kLargestNumber = std::numeric_limits<float>::max();  // Torch throws beyond it

bool is_number(const nlohmann::json& value) {
  return value.is_number() && std::abs(value.get<double>()) <= kLargestNumber;
}

}  // namespace

ConfigReader::ConfigReader(nlohmann::json config, std::string where)
    : config_(std::move(config)), where_(std::move(where)) {
  if (config_.is_object()) return;
  throw BadFile({"a model's configuration is no JSON object", where_, "{...}",
                 printable(json_text(config_)).substr(0, 60), ""});
}

const nlohmann::json* ConfigReader::find(const std::string& name) const {
  const auto at = config_.find(name);
  return at == config_.end() || at->is_null() ? nullptr : &*at;
}

bool ConfigReader::has(const std::string& name) const { return find(name) != nullptr; }

std::string ConfigReader::found(const std::string& name) const {
  const nlohmann::json* value = find(name);
  return value == nullptr ? "nothing" : printable(json_text(*value)).substr(0, 80);
}

ConfigReader ConfigReader::over(nlohmann::json defaults) const {
  defaults.update(config_);
  return {std::move(defaults), where_};
}

ConfigReader ConfigReader::without(const std::string& name) const {
  nlohmann::json rest = config_;
  rest.erase(name);
  return {std::move(rest), where_};
}

void ConfigReader::refuse(const std::string& name, const std::string& expected) const {
  throw BadFile({"a model's configuration is malformed", concat(where_, ", ", name), expected,
                 found(name), "check that the file belongs to the model"});
}

void ConfigReader::unsupported(const std::string& name, const std::string& expected) const {
  throw Unsupported({"a model asks for something that is not built in", concat(where_, ", ", name),
                     expected, found(name), ""});
}

std::int64_t ConfigReader::size(const std::string& name) const {
  const nlohmann::json* value = find(name);
  if (value == nullptr || !value->is_number_integer()) refuse(name, "a positive integer");
  const auto number = value->get<std::int64_t>();
  if (number < 1 || number > kLargestSize) refuse(name, concat("1 to ", kLargestSize));
  return number;
}

std::int64_t ConfigReader::size(const std::string& name, std::int64_t otherwise) const {
  return has(name) ? size(name) : otherwise;
}

std::int64_t ConfigReader::layers(const std::string& name) const {
  const std::int64_t count = size(name);
  if (count > kMostLayers) refuse(name, concat("1 to ", kMostLayers));
  return count;
}

double ConfigReader::number(const std::string& name, double otherwise) const {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return otherwise;
  if (!is_number(*value)) refuse(name, "a number within the range of float32");
  return value->get<double>();
}

double ConfigReader::epsilon(const std::string& name, double otherwise) const {
  const double value = number(name, otherwise);
  if (value < 0.0) refuse(name, "0 or above");
  return value;
}

bool ConfigReader::flag(const std::string& name, bool otherwise) const {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) refuse(name, "true or false");
  return value->get<bool>();
}

std::string ConfigReader::text(const std::string& name, const std::string& otherwise) const {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return otherwise;
  if (!value->is_string()) refuse(name, "a string");
  return value->get<std::string>();
}

std::vector<std::string> ConfigReader::texts(const std::string& name) const {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return {};
  if (!value->is_array()) refuse(name, "a list of strings");
  std::vector<std::string> result;
  for (const nlohmann::json& item : *value) {
    if (!item.is_string()) refuse(name, "a list of strings");
    result.push_back(item.get<std::string>());
  }
  return result;
}

std::vector<std::int64_t> ConfigReader::sizes(const std::string& name) const {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return {};
  if (!value->is_array()) refuse(name, "a list of integers");
  std::vector<std::int64_t> result;
  for (const nlohmann::json& item : *value) {
    if (!item.is_number_integer() || item.get<std::int64_t>() < 0 ||
        item.get<std::int64_t>() > kLargestSize) {
      refuse(name, concat("integers from 0 to ", kLargestSize));
    }
    result.push_back(item.get<std::int64_t>());
  }
  return result;
}

std::vector<double> ConfigReader::numbers(const std::string& name) const {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return {};
  if (!value->is_array()) refuse(name, "a list of numbers");
  std::vector<double> result;
  for (const nlohmann::json& item : *value) {
    if (!is_number(item)) refuse(name, "numbers within the range of float32");
    result.push_back(item.get<double>());
  }
  return result;
}

ConfigReader ConfigReader::object(const std::string& name) const {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return {nlohmann::json::object(), concat(where_, ", ", name)};
  if (!value->is_object()) refuse(name, "{...}");
  return {*value, concat(where_, ", ", name)};
}

}  // namespace sinkwise::pretrained
