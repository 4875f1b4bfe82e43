#include "sweep_evaluation.h"

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "finetune_recipe.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"
#include "sinkwise/eval/encoder.h"
#include "sinkwise/eval/output.h"
#include "sinkwise/pretrained/model.h"
#include "task_source.h"

namespace sinkwise::apps {
namespace {

namespace fs = std::filesystem;

// The path of the model that a run starts from.
std::string model_of(const sweep::Job& job, const std::string& file) {
  if (job.command == sweep::Command::train) {
    throw BadConfig({"a sweep trains models that eval does not open", concat(file, ", ", job.name),
                     "arms with command = \"finetune\"", "command = \"train\"",
                     "leave out --task, or give it to a sweep that fine-tunes"});
  }
  return load_finetune({.recipe = job.recipe.string(),
                        .assignments = job.assignments,
                        .model = {},
                        .out = {},
                        .data = {}})
      ->config.model;
}

void check_tasks(const std::string& path, const std::vector<std::string>& tasks) {
  std::vector<eval::TaskSource> sources;
  for (const std::string& task : tasks) sources.push_back(task_source(task));
  const auto model = pretrained::Model::open(path);
  const eval::Encoder encoder(model.load_tokenizer(), eval::Begin::tokenizer,
                              model.config().context_length);
  eval::load_tasks(sources, encoder, {});
}

// An evaluation that goes on where one of other tasks was would be refused after hours.
void refuse_other_tasks(const fs::path& out, const std::vector<std::string>& tasks) {
  constexpr std::size_t kMostBytes = std::size_t{8} << 20;
  const fs::path file = out / eval::kSettingsFile;
  if (!fs::exists(file)) return;
  const auto settings = parse_json(read_file(file, kMostBytes), file.string(), kMostBytes);
  std::set<std::string> known, asked;
  if (settings.is_object() && settings.contains("tasks")) {
    for (const auto& [name, unused] : settings["tasks"].items()) known.insert(name);
  }
  for (const std::string& task : tasks) asked.insert(task_source(task).format);
  if (known == asked) return;
  throw BadConfig({"the sweep was evaluated on other tasks before", printable(out.string()),
                   join({known.begin(), known.end()}), join({asked.begin(), asked.end()}),
                   "give the tasks of before, or remove this folder and evaluation/ of every run"});
}

sweep::Call call_of(const std::string& name, const std::string& model, const fs::path& out,
                    const std::vector<std::string>& tasks) {
  sweep::Call call{name, {"eval", model, "--threads", "1", "--out", out.string()}, out, 1.0};
  for (const std::string& task : tasks) call.words.insert(call.words.end(), {"--task", task});
  return call;
}

}  // namespace

SweepEvaluation plan_evaluation(const sweep::Grid& grid, const std::vector<std::string>& tasks,
                                const std::string& file) {
  SweepEvaluation plan;
  if (tasks.empty()) return plan;
  std::map<std::string, fs::path> untouched;  // by the model's path
  for (const sweep::Job& job : grid.jobs) {
    const std::string model = model_of(job, file);
    const auto [known, fresh] = untouched.try_emplace(
        model,
        grid.out / (untouched.empty() ? "untouched" : concat("untouched-", untouched.size() + 1)));
    if (fresh) {
      refuse_other_tasks(known->second, tasks);
      check_tasks(model, tasks);
      plan.untouched.push_back(call_of(known->second.filename(), model, known->second, tasks));
    }
    plan.runs.push_back(
        call_of(job.name, (job.directory / "model").string(), job.directory / "evaluation", tasks));
    plan.runs.back().words.insert(plan.runs.back().words.end(),
                                  {"--against", known->second.string()});
  }
  return plan;
}

}  // namespace sinkwise::apps
