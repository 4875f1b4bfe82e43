#include "sinkwise/config/problem.h"

#include <algorithm>

#include "sinkwise/core/text.h"

namespace sinkwise::config {
namespace {

constexpr std::size_t kLongestKey = 120;  // shown of a key that nobody meant to write

std::string line_of(const Problem& problem) {
  std::string line = problem.origin;
  if (!problem.key.empty())
    line += (line.empty() ? "" : ": ") + printable(problem.key.substr(0, kLongestKey));
  line += ": " + problem.message;
  if (!problem.suggestion.empty()) line += "; " + problem.suggestion;
  return line;
}

ErrorText text_of(const std::vector<Problem>& problems, const std::string& next) {
  const std::string count =
      problems.size() == 1 ? "one problem" : concat(problems.size(), " problems");
  ErrorText text{.what = "the configuration has " + count, .next = next};
  constexpr std::size_t kShown = 50;  // a binary file taken for a recipe can have thousands
  for (std::size_t i = 0; i < std::min(problems.size(), kShown); ++i) {
    text.what += "\n  - " + line_of(problems[i]);
  }
  if (problems.size() > kShown)
    text.what += concat("\n  - and ", problems.size() - kShown, " more");
  return text;
}

}  // namespace

ConfigProblems::ConfigProblems(std::vector<Problem> problems, std::string next)
    : BadConfig(text_of(problems, next)), problems_(std::move(problems)) {}

}  // namespace sinkwise::config
