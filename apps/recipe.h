#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sinkwise/config/table.h"
#include "sinkwise/train/run_config.h"

namespace sinkwise::apps {

// A recipe with the environment and --set on top, checked.
struct LoadedRecipe {
  train::RunConfig config;
  config::Table table{"sinkwise config show"};
};

// What every command that takes a recipe shares: its path and the assignments.
struct RecipeArguments {
  std::string path;
  std::vector<std::string> assignments;

  void declare(CLI::App& command, bool required = true);
};

// Variables that start with SINKWISE_ and are no configuration key (docs/environment.md).
const std::set<std::string>& other_variables();

// Throws ConfigProblems with everything that is wrong at once. A recipe that names no directory
// gets runs/<its name>.
std::unique_ptr<LoadedRecipe> load_recipe(const RecipeArguments& arguments);

}  // namespace sinkwise::apps
