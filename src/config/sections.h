#pragma once

#include <string>

namespace sinkwise::config {

// "optim.adam" of "optim.adam.beta1"; empty for a key without a dot.
inline std::string section_of(const std::string& key) {
  const auto dot = key.rfind('.');
  return dot == std::string::npos ? std::string() : key.substr(0, dot);
}

// The key lies in the section or in one inside it.
inline bool is_inside(const std::string& key, const std::string& section) {
  return key.size() > section.size() && key.starts_with(section) && key[section.size()] == '.';
}

}  // namespace sinkwise::config
