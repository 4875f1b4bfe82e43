#pragma once

#include <string>
#include <vector>

namespace sinkwise::config {

// The key that a person most likely meant: the same last word in another section, then the only
// key that begins so, then the nearest whole key, then the nearest last word. Case and '-' for '_'
// are forgiven. Empty when nothing is near.
std::string suggest(const std::string& key, const std::vector<std::string>& keys);

}  // namespace sinkwise::config
