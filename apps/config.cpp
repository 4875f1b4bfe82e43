#include <iostream>

#include "commands.h"
#include "exit_code.h"
#include "keys.h"
#include "recipe.h"

namespace sinkwise::apps {
namespace {

struct Arguments {
  RecipeArguments recipe;
  bool json = false;
};

int show(const Arguments& arguments) {
  const auto recipe = load_recipe(arguments.recipe);
  const bool resolved = !arguments.recipe.path.empty() || !arguments.recipe.assignments.empty();
  if (!resolved) {
    print_keys(recipe->table, arguments.json);
  } else if (arguments.json) {
    std::cout << recipe->table.to_json() << '\n';
  } else {
    std::cout << recipe->table.to_toml(true);
  }
  return kOk;
}

}  // namespace

void add_config(CLI::App& app, Work& work) {
  CLI::App* command = app.add_subcommand("config", "the keys of a recipe");
  command->require_subcommand(1);
  CLI::App* sub = command->add_subcommand(
      "show", "every key with default, unit and help; with a recipe: its values and their origins");
  auto arguments = std::make_shared<Arguments>();
  arguments->recipe.declare(*sub, false);
  sub->add_flag("--json", arguments->json, "for programs");
  sub->callback([arguments, &work] { work = [arguments] { return show(*arguments); }; });
}

}  // namespace sinkwise::apps
