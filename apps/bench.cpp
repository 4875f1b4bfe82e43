#include <iostream>
#include <nlohmann/json.hpp>

#include "bench_overhead.h"
#include "commands.h"
#include "console.h"
#include "exit_code.h"
#include "recipe.h"
#include "sinkwise/core/text.h"
#include "sinkwise/train/step_bench.h"
#include "sinkwise/train/trainer.h"
#include "whole_numbers.h"

namespace sinkwise::apps {
namespace {

struct Arguments {
  RecipeArguments recipe;
  std::int64_t pairs = 100, steps = 50, warmup = 5;
  bool json = false;
};

std::unique_ptr<LoadedRecipe> prepare(const Arguments& arguments) {
  auto recipe = load_recipe(arguments.recipe);
  train::check(recipe->config);
  train::configure_process(recipe->config);
  return recipe;
}

int time_overhead(const Arguments& arguments) {
  const auto recipe = prepare(arguments);
  if (recipe->config.balance.form == objectives::BalanceForm::none) {
    throw BadConfig({"there is no balance loss to time", "balance.form", "cv, switch, open", "none",
                     "add --set balance.form=cv"});
  }
  show_overhead(train::time_overhead(recipe->config, arguments.pairs), arguments.json);
  return kOk;
}

int time_steps(const Arguments& arguments) {
  const auto recipe = prepare(arguments);
  const auto times = train::time_steps(recipe->config, arguments.warmup, arguments.steps);
  std::cout << nlohmann::json({{"step_ms", times}}).dump() << '\n';
  return kOk;
}

}  // namespace

void add_bench(CLI::App& app, Work& work) {
  CLI::App* command =
      app.add_subcommand("bench", "time training steps and attention on this machine");
  command->require_subcommand(1);
  add_bench_attention(*command, work);
  auto arguments = std::make_shared<Arguments>();
  CLI::App* overhead = command->add_subcommand(
      "overhead", "what the balance loss costs: interleaved steps with and without it");
  arguments->recipe.declare(*overhead);
  overhead->add_option("--pairs", arguments->pairs, "pairs of steps")->check(at_least(1));
  overhead->add_flag("--json", arguments->json, "the list that `compare --overhead` reads");
  overhead->callback(
      [arguments, &work] { work = [arguments] { return time_overhead(*arguments); }; });
  add_bench_finetune(*command, work);
  auto alone = std::make_shared<Arguments>();
  CLI::App* step = command->add_subcommand("step", "milliseconds of single steps, as JSON");
  alone->recipe.declare(*step);
  step->add_option("--steps", alone->steps, "steps that count")->check(at_least(1));
  step->add_option("--warmup", alone->warmup, "steps before that")->check(at_least(0));
  step->callback([alone, &work] { work = [alone] { return time_steps(*alone); }; });
}

}  // namespace sinkwise::apps
