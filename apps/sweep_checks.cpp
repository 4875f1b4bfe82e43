#include "sweep_checks.h"

#include <map>
#include <tuple>

#include "finetune_recipe.h"
#include "sinkwise/config/differences.h"
#include "sinkwise/core/text.h"
#include "sinkwise/finetune/finetune.h"

namespace sinkwise::apps {
namespace {

// What the comparison at the end tells runs apart by, with the seed; `kind` is the task, or the
// command of a pretrained model.
auto arm_and_seed(const train::LoopConfig& config, const std::string& kind,
                  nn::Mechanism mechanism) {
  const auto& balance = config.balance;
  const bool balanced =
      balance.form != objectives::BalanceForm::none;  // else the rest does nothing
  return std::tuple(kind, config.run.label, mechanism, balance.form,
                    balanced ? balance.lambda : 0.0, balanced ? balance.shared_heads : 0,
                    config.run.seed);
}

// Of the model that is trained, its own or what it is turned into.
nn::Mechanism mechanism_of(const finetune::FinetuneConfig& config) {
  const pretrained::Model model = finetune::open_model(config);
  for (const auto& layer : model.config().layers) {
    if (layer.attention() != nullptr) return layer.attention()->mechanism;
  }
  return config.mechanism;
}

using ArmAndSeed = decltype(arm_and_seed({}, {}, {}));

std::string differing_keys(const std::string& first, const std::string& second) {
  std::vector<std::string> keys;
  for (const auto& difference : config::differences(first, second)) {
    if (difference.key != "run.directory") keys.push_back(difference.key);
  }
  return keys.empty() ? "nothing" : join(keys);
}

// load(), with the name of the run in every problem.
template <typename Load>
auto named(const std::string& name, const Load& load) {
  try {
    return load();
  } catch (const config::ConfigProblems& error) {
    std::vector<config::Problem> problems = error.problems();
    for (config::Problem& problem : problems) {
      problem.origin = name + (problem.origin.empty() ? "" : ", " + problem.origin);
    }
    throw config::ConfigProblems(std::move(problems), error.text().next);
  }
}

// A run as the checks below see one.
struct Checked {
  std::string name;
  ArmAndSeed key;
  std::string settings;  // JSON
};

Checked checked(const sweep::Job& job) {
  if (job.command == sweep::Command::train) {
    const auto loaded = checked_recipe(job.name, job.recipe, job.assignments);
    const auto& config = loaded->config;
    return {job.name, arm_and_seed(config, config.task.name, config.attention.mechanism),
            loaded->table.to_json()};
  }
  return named(job.name, [&] {
    const auto loaded = load_finetune({.recipe = job.recipe.string(),
                                       .assignments = job.assignments,
                                       .model = {},
                                       .out = {},
                                       .data = {}});
    finetune::check(loaded->config);
    return Checked{job.name, arm_and_seed(loaded->config, "finetune", mechanism_of(loaded->config)),
                   loaded->table.to_json()};
  });
}

}  // namespace

std::unique_ptr<LoadedRecipe> checked_recipe(const std::string& name,
                                             const std::filesystem::path& recipe,
                                             const std::vector<std::string>& assignments) {
  return named(name, [&] {
    auto loaded = load_recipe({recipe.string(), assignments});
    train::check(loaded->config);
    return loaded;
  });
}

void check_runs(const sweep::Grid& grid, const std::string& file) {
  std::map<ArmAndSeed, Checked> arms;
  for (const sweep::Job& job : grid.jobs) {
    const Checked run = checked(job);
    const auto [known, fresh] = arms.try_emplace(run.key, run);
    if (fresh) continue;
    throw BadConfig({"two runs of the sweep are the same arm with the same seed", file,
                     "arms that differ in task, mechanism, balance or run.label",
                     concat(known->second.name, " and ", run.name, ", which differ in ",
                            differing_keys(known->second.settings, run.settings)),
                     "leave one out, or write an [[arms]] for each with a label of its own: "
                     "set = [\"run.label=...\"]"});
  }
  for (const sweep::OverheadJob& job : grid.overhead) {
    checked_recipe("[[overhead]]", job.recipe, job.assignments);
  }
}

}  // namespace sinkwise::apps
