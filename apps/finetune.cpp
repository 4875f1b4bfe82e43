#include "sinkwise/finetune/finetune.h"

#include <iostream>

#include <torch/torch.h>

#include "commands.h"
#include "exit_code.h"
#include "finetune_recipe.h"
#include "finetune_report.h"
#include "keys.h"
#include "run_files.h"
#include "shell_word.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "train_console.h"

namespace sinkwise::apps {
namespace {

using finetune::FinetuneConfig;

struct Arguments {
  FinetuneArguments recipe;
  bool twin = false, no_report = false, keys = false, fresh = false, force = false, json = false;
};

std::string command_text(const FinetuneArguments& a) {
  std::string command = "sinkwise finetune";
  if (!a.model.empty()) command += " " + shell_word(a.model);
  if (!a.data.empty()) command += " --data";
  for (const std::string& file : a.data) command += " " + shell_word(file);
  if (!a.recipe.empty()) command += " --recipe " + shell_word(a.recipe);
  for (const std::string& assignment : a.assignments) command += " --set " + shell_word(assignment);
  return a.out.empty() ? command : command + " --out " + shell_word(a.out);
}

// A run that came to its end: what it was trained on, and its directory, which is ours as long as
// this lives.
struct Ended {
  std::shared_ptr<const data::Task> task;
  checkpoint::RunDirectory owned;
};

// One run to its end and its folders; nothing when it was interrupted.
std::optional<Ended> run_one(const FinetuneRecipe& loaded, const Arguments& arguments) {
  const FinetuneConfig& config = loaded.config;
  TrainConsole console;
  train::configure_process(config);
  const pretrained::Model model = finetune::open_model(config);
  const auto tuned = finetune::prepare(model, config);
  const train::Experiment experiment = finetune::experiment_of(config, tuned, console);
  if (arguments.fresh) start_over(config.run.directory, arguments.force);
  auto owned = train::own_directory(config, loaded.table, experiment);
  const train::Outcome outcome =
      train::run(config, loaded.table, experiment, owned, console, stop_requested());
  if (!console.tell(outcome, config.run.directory)) return std::nullopt;
  const auto folder = finetune::write_outcome(config, *tuned);
  std::cout << "model: " << folder.string() << std::endl;
  return Ended{experiment.task, std::move(owned)};
}

// The same without balance, in OUT/twin: what it is told twice, its own word decides.
std::unique_ptr<FinetuneRecipe> load_twin(const FinetuneRecipe& balanced, FinetuneArguments twin) {
  if (balanced.config.balance.form == objectives::BalanceForm::none) {
    throw BadConfig({"a twin would do the same as the run", "--twin, balance.form",
                     "a form of balance", "none", "leave --twin out, or balance"});
  }
  std::erase_if(twin.assignments,
                [](const std::string& text) { return text.starts_with("balance.form="); });
  twin.out = balanced.config.run.directory + "/twin";
  return load_finetune(twin, {"balance.form=none"});
}

int run(const Arguments& arguments) {
  const auto balanced = load_finetune(arguments.recipe);
  if (arguments.keys) {
    print_keys(balanced->table, arguments.json);
    return kOk;
  }
  finetune::check(balanced->config);
  finetune::check_outcome(balanced->config);
  std::unique_ptr<FinetuneRecipe> twin;  // read first: what is wrong is said before hours of work
  if (arguments.twin) {
    twin = load_twin(*balanced, arguments.recipe);
    finetune::check_outcome(twin->config);
  }
  const auto ended = run_one(*balanced, arguments);
  if (!ended) return kInterrupted;
  if (twin && !run_one(*twin, arguments)) return kInterrupted;
  if (!arguments.no_report) {
    write_finetune_report(balanced->config, *ended->task, command_text(arguments.recipe));
  }
  return kOk;
}

}  // namespace

void add_finetune(CLI::App& app, Work& work) {
  CLI::App* command = app.add_subcommand(
      "finetune", "train a pretrained model further with balanced heads, or go on with a run");
  auto a = std::make_shared<Arguments>();
  a->recipe.declare(*command);
  command->add_option("--out", a->recipe.out,
                      "directory of the run and of the model that comes out (finetuned)");
  command->add_flag("--twin", a->twin,
                    "also run the same without balance, in OUT/twin: only the difference counts");
  command->add_flag("--no-report", a->no_report, "leave the page of before and after out");
  command->add_flag("--keys", a->keys, "every key with default, unit and help");
  command->add_flag("--fresh", a->fresh, "start over instead of going on");
  command->add_flag("--force", a->force, "with --fresh: remove the run that is there");
  command->add_flag("--json", a->json, "with --keys: for programs");
  command->footer(
      "examples:\n"
      "  sinkwise finetune MODEL --data book.txt --out mended --twin\n"
      "  sinkwise compare mended mended/twin\n"
      "  sinkwise finetune MODEL --data notes.jsonl --set train.steps=200 --set lora.rank=8\n"
      "Give the same command again after any stop: it goes on where it was.");
  command->callback([a, &work] { work = [a] { return run(*a); }; });
}

}  // namespace sinkwise::apps
