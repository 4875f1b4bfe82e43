#include "recipe.h"

#include <filesystem>

namespace sinkwise::apps {

const std::set<std::string>& other_variables() {
  static const std::set<std::string> names = {"SINKWISE_BIN",    "SINKWISE_DATA",
                                              "SINKWISE_SOURCE", "SINKWISE_PRESET",
                                              "SINKWISE_PYTHON", "SINKWISE_SIMD"};
  return names;
}

void RecipeArguments::declare(CLI::App& command, bool required) {
  auto* option = command.add_option("recipe", path, "recipe (TOML)");
  if (required) option->required();
  command
      .add_option("--set", assignments,
                  "one key of the recipe: key=value; may be repeated (keys: sinkwise config show)")
      ->take_all();
}

std::unique_ptr<LoadedRecipe> load_recipe(const RecipeArguments& arguments) {
  auto loaded = std::make_unique<LoadedRecipe>();
  if (!arguments.path.empty()) {
    const std::filesystem::path path(arguments.path);
    loaded->config.run.directory = (std::filesystem::path("runs") / path.stem()).string();
  }
  train::bind(loaded->table, loaded->config);
  if (!arguments.path.empty()) loaded->table.load_file(arguments.path);
  loaded->table.load_environment(config::process_environment(), other_variables());
  for (const std::string& assignment : arguments.assignments) loaded->table.set(assignment);
  loaded->table.finish();
  loaded->config.task.seed = loaded->config.run.seed;
  return loaded;
}

}  // namespace sinkwise::apps
