#include <filesystem>

#include "bench_overhead.h"
#include "commands.h"
#include "exit_code.h"
#include "finetune_recipe.h"
#include "sinkwise/core/text.h"
#include "sinkwise/finetune/finetune.h"
#include "train_console.h"
#include "whole_numbers.h"

namespace sinkwise::apps {
namespace {

struct Arguments {
  FinetuneArguments recipe;
  std::int64_t pairs = 20;
  bool json = false;
};

int time_overhead(const Arguments& arguments) {
  const auto balanced = load_finetune(arguments.recipe);
  finetune::check(balanced->config);
  if (balanced->config.balance.form == objectives::BalanceForm::none) {
    throw BadConfig({"there is no balance loss to time", "balance.form", "cv, switch, open", "none",
                     "leave it out"});
  }
  finetune::FinetuneConfig base = balanced->config;
  base.balance.form = objectives::BalanceForm::none;
  train::configure_process(base);
  TrainConsole console;
  const pretrained::Model model = finetune::open_model(balanced->config);
  const auto experiment = [&](const finetune::FinetuneConfig& config) {
    return finetune::experiment_of(config, finetune::prepare(model, config), console);
  };
  show_overhead(train::time_overhead(
                    balanced->config, experiment(balanced->config), experiment(base),
                    printable(std::filesystem::path(balanced->config.model).filename().string()),
                    arguments.pairs),
                arguments.json);
  return kOk;
}

}  // namespace

void add_bench_finetune(CLI::App& bench, Work& work) {
  CLI::App* command = bench.add_subcommand(
      "finetune", "what the balance loss costs a fine-tuning step: interleaved steps");
  auto a = std::make_shared<Arguments>();
  a->recipe.declare(*command);
  command->add_option("--pairs", a->pairs, "pairs of steps")->check(at_least(1));
  command->add_flag("--json", a->json, "the list that `compare --overhead` reads");
  command->callback([a, &work] { work = [a] { return time_overhead(*a); }; });
}

}  // namespace sinkwise::apps
