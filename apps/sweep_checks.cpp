#include "sweep_checks.h"

#include <map>
#include <tuple>

#include "sinkwise/config/differences.h"
#include "sinkwise/core/text.h"

namespace sinkwise::apps {
namespace {

// What the comparison at the end tells runs apart by, with the seed.
auto arm_and_seed(const train::RunConfig& config) {
  return std::tuple(config.task.name, config.run.label, config.attention.mechanism,
                    config.balance.form, config.balance.lambda, config.balance.shared_heads,
                    config.run.seed);
}

std::string differing_keys(const config::Table& first, const config::Table& second) {
  std::vector<std::string> keys;
  for (const auto& difference : config::differences(first.to_json(), second.to_json())) {
    if (difference.key != "run.directory") keys.push_back(difference.key);
  }
  return keys.empty() ? "nothing" : join(keys);
}

}  // namespace

std::unique_ptr<LoadedRecipe> checked_recipe(const std::string& name,
                                             const std::filesystem::path& recipe,
                                             const std::vector<std::string>& assignments) {
  try {
    auto loaded = load_recipe({recipe.string(), assignments});
    train::check(loaded->config);
    return loaded;
  } catch (const config::ConfigProblems& error) {
    std::vector<config::Problem> problems = error.problems();
    for (config::Problem& problem : problems) {
      problem.origin = name + (problem.origin.empty() ? "" : ", " + problem.origin);
    }
    throw config::ConfigProblems(std::move(problems), error.text().next);
  }
}

void check_runs(const sweep::Grid& grid, const std::string& file) {
  struct Known {
    std::string name;
    std::unique_ptr<LoadedRecipe> recipe;
  };
  std::map<decltype(arm_and_seed({})), Known> arms;
  for (const sweep::Job& job : grid.jobs) {
    auto recipe = checked_recipe(job.name, job.recipe, job.assignments);
    const auto [known, fresh] = arms.try_emplace(arm_and_seed(recipe->config));
    if (!fresh) {
      throw BadConfig({"two runs of the sweep are the same arm with the same seed", file,
                       "arms that differ in task, mechanism, balance or run.label",
                       concat(known->second.name, " and ", job.name, ", which differ in ",
                              differing_keys(known->second.recipe->table, recipe->table)),
                       "leave one out, or write an [[arms]] for each with a label of its own: "
                       "set = [\"run.label=...\"]"});
    }
    known->second = {job.name, std::move(recipe)};
  }
  for (const sweep::OverheadJob& job : grid.overhead) {
    checked_recipe("[[overhead]]", job.recipe, job.assignments);
  }
}

}  // namespace sinkwise::apps
