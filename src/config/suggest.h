#pragma once

#include <string>
#include <vector>

namespace sinkwise::config {

// The key that a person most likely meant: the same last word in another section, then the only
// key that begins so, then the nearest whole key, then the nearest last word. Case and '-' for '_'
// are forgiven. Empty when nothing is near.
std::string suggest(const std::string& key, const std::vector<std::string>& keys);

// The same for the name of an environment variable that is no key's: SINKWISE_TRAIN_LR is read as
// "train_lr" and as "train.lr", and the answer is a variable again.
std::string suggest_variable(const std::string& name, const std::vector<std::string>& keys);

}  // namespace sinkwise::config
