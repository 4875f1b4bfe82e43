#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "exit_code.h"
#include "recipe.h"
#include "sinkwise/core/text.h"

namespace sinkwise::apps {
namespace {

struct Arguments {
  RecipeArguments recipe;
  bool json = false;
};

std::string accepted(const config::Row& row) {
  if (!row.choices.empty()) return join(row.choices, "|");
  return row.range.empty() ? row.type : row.type + " " + row.range;
}

void print_row(const config::Row& row) {
  std::cout << row.key << " = " << row.default_value;
  if (!row.unit.empty()) std::cout << "  [" << row.unit << "]";
  std::cout << "\n    " << row.help << "\n    " << accepted(row) << "; " << row.environment
            << (row.resumable ? "; may change when a run goes on" : "") << '\n';
}

nlohmann::json row_json(const config::Row& row) {
  return {{"key", row.key},
          {"type", row.type},
          {"default", row.default_value},
          {"unit", row.unit},
          {"range", row.range},
          {"choices", row.choices},
          {"help", row.help},
          {"environment", row.environment},
          {"resumable", row.resumable}};
}

int show(const Arguments& arguments) {
  const auto recipe = load_recipe(arguments.recipe);
  const bool resolved = !arguments.recipe.path.empty() || !arguments.recipe.assignments.empty();
  if (arguments.json) {
    nlohmann::json list = nlohmann::json::array();
    for (const config::Row& row : recipe->table.describe()) list.push_back(row_json(row));
    std::cout << (resolved ? recipe->table.to_json() : list.dump(1)) << '\n';
    return kOk;
  }
  if (resolved) {
    std::cout << recipe->table.to_toml(true);
    return kOk;
  }
  for (const config::Row& row : recipe->table.describe()) print_row(row);
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
