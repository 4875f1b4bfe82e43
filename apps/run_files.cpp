#include "run_files.h"

#include <set>
#include <string>
#include <vector>

#include "sinkwise/checkpoint/run_directory.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file_system.h"
#include "sinkwise/core/text.h"

namespace sinkwise::apps {
namespace {

// What a run writes (docs/run_directory.md); anything else in the directory is somebody's own.
bool is_of_a_run(const std::string& name) {
  static const std::set<std::string> kFiles = {
      "config.toml",      "log.jsonl",   "timing.jsonl", "result.json", "tensorboard",
      "calibration.json", "model",       "adapter",      "before",      "after",
      "report.html",      "report.json", "twin",         "evaluation"};
  const bool step =
      name.size() > 5 && name.rfind("step-", 0) == 0 && '0' <= name[5] && name[5] <= '9';
  return step || kFiles.contains(name);
}

// The names in the directory that a run wrote; none when there is no such directory.
std::vector<std::string> names_of_a_run(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  std::error_code unreadable;  // opening the run says what is wrong
  for (const auto& entry : std::filesystem::directory_iterator(directory, unreadable)) {
    const std::string name = entry.path().filename().string();
    if (is_of_a_run(name)) names.push_back(name);
  }
  return names;
}

}  // namespace

void start_over(const std::filesystem::path& directory, bool force) {
  const std::vector<std::string> before = names_of_a_run(directory);
  if (before.empty()) return;
  if (!force) {
    throw BadConfig({"--fresh would throw away a run", directory.string(), "an unused directory",
                     join(before),
                     "give --fresh --force to remove it, or leave --fresh out to go on with it"});
  }
  const auto owned = checkpoint::RunDirectory::open(directory);  // nobody else is training it
  for (const std::string& name : names_of_a_run(directory)) remove_tree(directory / name);
}

}  // namespace sinkwise::apps
