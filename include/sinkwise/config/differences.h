#pragma once

#include <string>
#include <vector>

namespace sinkwise::config {

// A key whose value is not the same in two configurations.
struct Difference {
  std::string key;
  std::string first;  // JSON of the value; empty when the key is missing there
  std::string second;
};

// Compares two results of Table::to_json(), in the order of the keys' names. Numbers compare by
// value (1 equals 1.0). Throws BadFile when a text is not a JSON object.
std::vector<Difference> differences(const std::string& first_json, const std::string& second_json);

}  // namespace sinkwise::config
