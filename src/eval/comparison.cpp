#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"
#include "sinkwise/eval/output.h"

namespace sinkwise::eval {
namespace {

namespace fs = std::filesystem;
using Scores = std::vector<ItemScore>;

constexpr std::size_t kMostBytes = std::size_t{1} << 26;

// The path of the model of a finished evaluation.
std::string model_of(const fs::path& directory) {
  const fs::path path = directory / kEvaluationFile;
  const auto json = parse_json(read_file(path, kMostBytes), path.string(), kMostBytes);
  const auto pointer = nlohmann::json::json_pointer("/model/path");
  const bool fits = json.is_object() && json.value("schema", nlohmann::json()) == kSchema &&
                    json.contains(pointer) && json.at(pointer).is_string();
  if (fits) return json.at(pointer).get<std::string>();
  throw BadFile({"a file is no evaluation of this version", printable(path.string()),
                 concat("schema \"", kSchema, "\" with model.path"), "another content",
                 "give the directory that an earlier --out named"});
}

// Items of each task, in the order of their files.
std::map<std::string, Scores> items_of(const fs::path& directory) {
  std::map<std::string, Scores> tasks;
  for (LoggedItem& logged : read_items(directory / kItemsFile)) {
    tasks[logged.task].push_back(std::move(logged.item));
  }
  for (auto& [name, items] : tasks) {
    std::ranges::sort(items, {}, [](const ItemScore& item) { return item.facts.index; });
  }
  return tasks;
}

std::vector<std::string> names_of(const std::map<std::string, Scores>& tasks) {
  std::vector<std::string> names;
  for (const auto& [name, items] : tasks) names.push_back(name);
  return names;
}

[[noreturn]] void other_items(const fs::path& directory, const std::string& task,
                              const std::string& expected, const std::string& found) {
  throw BadConfig({concat("the other evaluation has other items in ", task),
                   printable(directory.string()), expected, found,
                   "evaluate both models on the same file with the same --limit; windows of a text "
                   "also need the same tokenizer, --length, --stride and --bos"});
}

// Bits per byte may be compared between tokenizers, but a text's perplexity is of a token.
void check_same_ids(const fs::path& directory, const Task& task, const Scores& theirs) {
  if (task.kind != Kind::text) return;
  for (std::size_t i = 0; i < task.items.size(); ++i) {
    const std::int64_t ours = task.items[i].rows.front().scored, other = theirs[i].tokens.front();
    if (ours == other) continue;
    other_items(directory, task.name, concat("window ", i, " of ", ours, " ids"), concat(other));
  }
}

void check_same(const fs::path& directory, const std::string& task, const std::vector<Item>& ours,
                const Scores& theirs) {
  if (ours.size() != theirs.size()) {
    other_items(directory, task, concat(ours.size(), " items"), concat(theirs.size(), " items"));
  }
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const ItemFacts& mine = ours[i].facts;
    const ItemFacts& other = theirs[i].facts;
    if (mine.index == other.index && mine.hash == other.hash) continue;
    other_items(directory, task, concat("item ", mine.index, " with hash ", mine.hash),
                concat("item ", other.index, " with hash ", printable(other.hash)));
  }
}

}  // namespace

Other read_other(const fs::path& directory, const std::vector<Task>& tasks) {
  Other other{directory.string(), model_of(directory), {}};
  auto items = items_of(directory);
  for (const Task& task : tasks) {
    const auto found = items.find(task.name);
    if (found == items.end()) {
      throw BadConfig({concat("the other evaluation lacks the task ", task.name),
                       printable(directory.string()), task.name, printable(join(names_of(items))),
                       "leave the task out, or evaluate the other model on it"});
    }
    check_same(directory, task.name, task.items, found->second);
    check_same_ids(directory, task, found->second);
    other.scores.push_back(std::move(found->second));
  }
  return other;
}

Comparison compare(const std::vector<Task>& tasks, const std::vector<Scores>& ours,
                   const Other& other, const Bootstrap& bootstrap) {
  Comparison comparison{other.directory, other.model, bootstrap, {}};
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    comparison.tasks.push_back(
        {tasks[t].name, differences(tasks[t].kind, ours[t], other.scores[t], bootstrap)});
  }
  return comparison;
}

}  // namespace sinkwise::eval
