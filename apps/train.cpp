#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "exit_code.h"
#include "recipe.h"
#include "run_files.h"
#include "sinkwise/core/text.h"
#include "sinkwise/train/trainer.h"
#include "train_console.h"

namespace sinkwise::apps {
namespace {

struct Arguments {
  RecipeArguments recipe;
  bool dry_run = false, fresh = false, force = false, json = false;
};

nlohmann::json plan_json(const train::Plan& plan) {
  return {{"parameters", plan.cost.parameters},
          {"training_flops_per_token", 3.0 * plan.cost.forward_flops_per_token},
          {"tokens_per_step", plan.tokens_per_step},
          {"steps", plan.steps},
          {"checkpoint_bytes", plan.checkpoint_bytes},
          {"disk_needed", plan.disk_needed},
          {"disk_free", plan.disk_free},
          {"peak_memory", plan.peak_memory},
          {"first_step_seconds", plan.first_step_seconds},
          {"first_loss", plan.first_loss}};
}

std::string plan_text(const train::Plan& plan) {
  const auto& a = plan.model.attention;
  const double tokens = static_cast<double>(plan.steps * plan.tokens_per_step);
  return concat(
      "model       ", count_text(static_cast<double>(plan.cost.parameters)),
      " parameters: ", plan.model.layers, " layers, width ", a.width, ", ", a.heads, " heads of ",
      a.head_size, ", ", nn::name(a.mechanism), "\nwork        ", plan.steps, " steps of ",
      count_text(static_cast<double>(plan.tokens_per_step)), " tokens, ", count_text(tokens),
      " in all; ", count_text(3.0 * plan.cost.forward_flops_per_token),
      " FLOP a token\nmemory      ", bytes_text(static_cast<double>(plan.peak_memory)),
      " at the peak of one step\ndisk        ", bytes_text(static_cast<double>(plan.disk_needed)),
      " for checkpoints of ", bytes_text(static_cast<double>(plan.checkpoint_bytes)), "; ",
      bytes_text(static_cast<double>(plan.disk_free)), " free\nfirst step  ",
      fixed(plan.first_step_seconds, 2), " s, loss ", fixed(plan.first_loss, 4),
      "\nnothing was written");
}

int dry_run(const train::RunConfig& config, bool as_json) {
  const train::Plan plan = train::dry_run(config);
  std::cout << (as_json ? plan_json(plan).dump() : plan_text(plan)) << '\n';
  if (plan.disk_free >= plan.disk_needed) return kOk;
  throw ResourceError({"there is too little room for the checkpoints", config.run.directory,
                       bytes_text(static_cast<double>(plan.disk_needed)),
                       bytes_text(static_cast<double>(plan.disk_free)) + " free",
                       "choose another run.directory, or free some room"});
}

int run(const Arguments& arguments) {
  const auto recipe = load_recipe(arguments.recipe);
  train::check(recipe->config);
  if (arguments.dry_run) return dry_run(recipe->config, arguments.json);
  const std::filesystem::path directory = recipe->config.run.directory;
  TrainConsole console;
  train::configure_process(recipe->config);
  const train::Experiment experiment = train::from_scratch(recipe->config);
  if (arguments.fresh) start_over(directory, arguments.force);
  auto owned = train::own_directory(recipe->config, recipe->table, experiment);
  const train::Outcome outcome =
      train::run(recipe->config, recipe->table, experiment, owned, console, stop_requested());
  if (!console.tell(outcome, directory.string())) return kInterrupted;
  std::cout << (directory / "result.json").string() << '\n';
  return kOk;
}

}  // namespace

void add_train(CLI::App& app, Work& work) {
  CLI::App* command = app.add_subcommand("train", "train a language model, or go on with a run");
  auto arguments = std::make_shared<Arguments>();
  arguments->recipe.declare(*command);
  command->add_flag("--dry-run", arguments->dry_run,
                    "build it, do one step in memory, say what it needs; writes nothing");
  command->add_flag("--fresh", arguments->fresh, "start over instead of going on");
  command->add_flag("--force", arguments->force, "with --fresh: remove the run that is there");
  command->add_flag("--json", arguments->json, "with --dry-run: for programs");
  command->footer(
      "examples:\n"
      "  sinkwise train recipes/text.toml --set data.files=book.txt\n"
      "  sinkwise train recipes/bigram_backcopy.toml --set attention.mechanism=sink "
      "--set balance.form=cv\n"
      "Give the same command again after any stop: it goes on where it was.\n"
      "Every key with its default: sinkwise config show");
  command->callback([arguments, &work] { work = [arguments] { return run(*arguments); }; });
}

}  // namespace sinkwise::apps
