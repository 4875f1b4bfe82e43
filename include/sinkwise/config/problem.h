#pragma once

#include <string>
#include <vector>

#include "sinkwise/core/error.h"

namespace sinkwise::config {

// One thing wrong with a configuration.
struct Problem {
  std::string key;         // "optim.lr"; empty when the fault lies in a whole file
  std::string origin;      // "recipe.toml:12", "environment SINKWISE_OPTIM_LR", "--set"
  std::string message;     // "unknown key", "expected a number > 0, found -1"
  std::string suggestion;  // the nearest known key or the next thing to try; may be empty
};

// Every problem of a configuration at once, so that a person mends them in one go. what() lists
// them one a line.
class ConfigProblems : public BadConfig {
 public:
  // `next` is what to try after the problems are read, such as the command that lists all keys.
  ConfigProblems(std::vector<Problem> problems, std::string next);
  const std::vector<Problem>& problems() const { return problems_; }

 private:
  std::vector<Problem> problems_;
};

}  // namespace sinkwise::config
