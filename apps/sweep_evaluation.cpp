#include "sweep_evaluation.h"

#include <map>

#include "finetune_recipe.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/eval/encoder.h"
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
