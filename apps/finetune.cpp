#include "sinkwise/finetune/finetune.h"

#include <iostream>

#include <torch/torch.h>

#include "commands.h"
#include "exit_code.h"
#include "finetune_report.h"
#include "keys.h"
#include "recipe.h"
#include "run_files.h"
#include "sinkwise/core/text.h"
#include "train_console.h"

namespace sinkwise::apps {
namespace {

using finetune::FinetuneConfig;

struct Arguments {
  std::string model, out, recipe;
  std::vector<std::string> data, assignments;
  bool twin = false, no_report = false, keys = false, fresh = false, force = false, json = false;
};

struct Loaded {
  FinetuneConfig config;
  config::Table table{"sinkwise finetune --keys"};
};

// H of the model, which decides how many heads are shared; 0 where the model is not known yet.
std::int64_t heads_of(const std::string& model) {
  if (model.empty()) return 0;
  const auto opened = pretrained::Model::open(model);
  for (const auto& layer : opened.config().layers) {
    if (layer.attention() != nullptr) return layer.attention()->heads;
  }
  return 0;
}

// Defaults < recipe < environment < --set < the arguments with names of their own, and `last`.
std::unique_ptr<Loaded> load(const Arguments& a, const std::vector<std::string>& last) {
  auto loaded = std::make_unique<Loaded>();
  loaded->config = FinetuneConfig::defaults(heads_of(a.model));
  finetune::bind(loaded->table, loaded->config);
  if (!a.recipe.empty()) loaded->table.load_file(a.recipe);
  loaded->table.load_environment(config::process_environment(), other_variables());
  for (const std::string& assignment : a.assignments) loaded->table.set(assignment);
  if (!a.model.empty()) loaded->table.set("model=" + a.model);
  if (!a.data.empty()) loaded->table.set("data.files=" + join(a.data, ","));
  for (const std::string& assignment : last) loaded->table.set(assignment);
  loaded->table.finish();
  return loaded;
}

std::string command_text(const Arguments& a) {
  std::string command = concat("sinkwise finetune ", a.model, " --data ", join(a.data, " "));
  if (!a.recipe.empty()) command += " --recipe " + a.recipe;
  for (const std::string& assignment : a.assignments) command += " --set " + assignment;
  return command + " --out " + a.out;
}

// One run to its end and its folders. False when it was interrupted.
bool run_one(const Loaded& loaded, const Arguments& arguments, bool report) {
  const FinetuneConfig& config = loaded.config;
  finetune::check(config);
  if (arguments.fresh) start_over(config.run.directory, arguments.force);
  TrainConsole console;
  train::configure_process(config);
  const pretrained::Model model = finetune::open_model(config);
  const auto tuned = finetune::prepare(model, config);
  const train::Experiment experiment = finetune::experiment_of(config, tuned, console);
  const train::Outcome outcome =
      train::run(config, loaded.table, experiment, console, stop_requested());
  if (outcome == train::Outcome::interrupted) {
    console.said("stopped and saved; the same command goes on: " + config.run.directory);
    return false;
  }
  if (outcome == train::Outcome::already_finished) {
    console.said("this run had finished before: " + config.run.directory);
  }
  const auto folder = finetune::write_outcome(config, *tuned);
  if (report) write_finetune_report(config, *experiment.task, command_text(arguments));
  std::cout << "model: " << folder.string() << std::endl;
  return true;
}

int run(const Arguments& arguments) {
  if (arguments.keys) {
    print_keys(load(arguments, {})->table, arguments.json);
    return kOk;
  }
  if (arguments.model.empty()) {
    throw BadConfig({"no model is named", "sinkwise finetune", "a folder or a GGUF file", "none",
                     "sinkwise finetune MODEL --data FILES --out DIR"});
  }
  const auto balanced = load(arguments, {"run.directory=" + arguments.out});
  if (!run_one(*balanced, arguments, !arguments.no_report)) return kInterrupted;
  if (!arguments.twin) return kOk;
  const auto twin =
      load(arguments, {"run.directory=" + arguments.out + "/twin", "balance.form=none"});
  return run_one(*twin, arguments, false) ? kOk : kInterrupted;
}

}  // namespace

void add_finetune(CLI::App& app, Work& work) {
  CLI::App* command = app.add_subcommand(
      "finetune", "train a pretrained model further with balanced heads, or go on with a run");
  auto a = std::make_shared<Arguments>();
  command->add_option("model", a->model, "folder (config.json and safetensors) or GGUF file");
  command->add_option("--data", a->data,
                      "text files; *.jsonl: a document a line, with text or messages");
  command->add_option("--out", a->out, "directory of the run and of the model that comes out")
      ->default_val("finetuned");
  command->add_option("--recipe", a->recipe, "keys from a file (TOML)");
  command->add_option("--set", a->assignments, "one key: key=value; may be repeated")->take_all();
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
