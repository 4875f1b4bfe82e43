#pragma once

#include <algorithm>
#include <cctype>
#include <string>

namespace sinkwise::config {

inline constexpr const char* kEnvironmentPrefix = "SINKWISE_";

// "optim.lr" is SINKWISE_OPTIM_LR.
inline std::string environment_name(const std::string& key) {
  std::string name = key;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return c == '.' ? '_' : static_cast<char>(std::toupper(c));
  });
  return kEnvironmentPrefix + name;
}

}  // namespace sinkwise::config
