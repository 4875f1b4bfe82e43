#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "console.h"
#include "eval_table.h"
#include "exit_code.h"
#include "shell_word.h"
#include "sinkwise/core/clock.h"
#include "sinkwise/core/cores.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/memory.h"
#include "sinkwise/core/text.h"
#include "sinkwise/eval/evaluation.h"
#include "sinkwise/eval/output.h"
#include "task_source.h"
#include "whole_numbers.h"

namespace sinkwise::apps {
namespace {

struct Arguments {
  std::string model, adapter, tokenizer, bos = "auto", out, against;
  std::vector<std::string> tasks, texts;
  std::int64_t length = 0, stride = 0, limit = 0, batch_tokens = 512, threads = 0;
  eval::Bootstrap bootstrap;
  bool json = false;
};

const std::map<std::string, eval::Begin> kBegin = {{"auto", eval::Begin::tokenizer},
                                                   {"always", eval::Begin::always},
                                                   {"never", eval::Begin::never}};

constexpr std::int64_t kLongestDefault = 2048;  // of a window, where --length says nothing

std::vector<eval::TaskSource> sources_of(const Arguments& arguments) {
  std::vector<eval::TaskSource> sources;
  for (const std::string& task : arguments.tasks) sources.push_back(task_source(task));
  for (const std::string& text : arguments.texts) sources.push_back({"text", text});
  if (!sources.empty()) return sources;
  throw BadConfig({"there is nothing to measure", "--task, --text", "at least one", "none",
                   "for example --text book.txt, or --task lambada=lambada_test.jsonl; tasks: " +
                       join(eval::format_names())});
}

std::string command_text(const Arguments& a, const eval::WindowOptions& windows) {
  std::string text = "sinkwise eval " + shell_word(a.model);
  if (!a.adapter.empty()) text += " --adapter " + shell_word(a.adapter);
  for (const std::string& task : a.tasks) text += " --task " + shell_word(task);
  for (const std::string& file : a.texts) text += " --text " + shell_word(file);
  if (!a.tokenizer.empty()) text += " --tokenizer " + shell_word(a.tokenizer);
  text += concat(" --bos ", a.bos);
  if (windows.length > 0)
    text += concat(" --length ", windows.length, " --stride ", windows.stride);
  text += concat(" --batch-tokens ", a.batch_tokens);
  if (windows.limit > 0) text += concat(" --limit ", windows.limit);
  if (!a.against.empty())
    text += concat(" --against ", shell_word(a.against), " --seed ", a.bootstrap.seed);
  return text;
}

// Length and stride are 0 where there is no text to cut.
eval::WindowOptions windows_of(const Arguments& a, std::int64_t context_length) {
  if (a.texts.empty()) {
    if (a.length == 0 && a.stride == 0) return {0, 0, a.limit};
    throw BadConfig({"there is no text to cut into windows", "--length, --stride", "a --text",
                     "tasks alone", "leave both out: a task's rows are as long as they are"});
  }
  const std::int64_t length = a.length > 0 ? a.length : std::min(context_length, kLongestDefault);
  return {length, a.stride > 0 ? a.stride : std::max<std::int64_t>(1, length / 2), a.limit};
}

tokenizer::Tokenizer tokenizer_of(const pretrained::Model& model, const Arguments& arguments) {
  if (!arguments.tokenizer.empty()) return tokenizer::Tokenizer::load(arguments.tokenizer);
  return model.load_tokenizer(arguments.bos == "always");
}

// An adapter and a tokenizer of its own count as well.
std::string hash_of(const Arguments& a) {
  std::string hash = eval::hash_model(a.model);
  for (const std::string& part : {a.adapter, a.tokenizer}) {
    if (!part.empty()) hash += "+" + eval::hash_model(part);
  }
  return hash;
}

// A line with the time left; false when asked to stop.
eval::Progress progress_on(Console& console, Clock::time_point& start) {
  return [&](std::int64_t done, std::int64_t total, const std::string& task) {
    const double left =
        seconds_since(start) / static_cast<double>(done) * static_cast<double>(total - done);
    console.progress(
        concat(task, ": ", 100 * done / total, " % of all  left ", duration_text(left)));
    return !stop_requested() || done == total;
  };
}

void report(const Arguments& arguments, const eval::Evaluation& evaluation) {
  const std::string json = json_text(eval::to_json(evaluation), 1) + "\n";
  if (!arguments.out.empty()) {
    write_file_atomically(std::filesystem::path(arguments.out) / eval::kEvaluationFile, json);
  }
  std::cout << (arguments.json ? json : evaluation_table(evaluation));
}

int run(const Arguments& arguments) {
  keep_freed_memory();
  const auto sources = sources_of(arguments);
  const auto model =
      pretrained::Model::open(arguments.model, {.adapter = arguments.adapter, .conversion = {}});
  const std::int64_t context = model.config().context_length;
  const eval::Encoder encoder(tokenizer_of(model, arguments), kBegin.at(arguments.bos), context);
  const eval::WindowOptions windows = windows_of(arguments, context);
  const auto tasks = eval::load_tasks(sources, encoder, windows);

  std::optional<eval::Other> other;  // read first: what does not fit is said before hours of work
  if (!arguments.against.empty()) other = eval::read_other(arguments.against, tasks);

  const eval::Settings settings{
      printable(arguments.model), hash_of(arguments), arguments.bos, encoder.begin(), windows,
      arguments.batch_tokens};
  std::optional<eval::ItemLog> log;
  if (!arguments.out.empty()) log.emplace(arguments.out, eval::settings_json(settings, tasks));
  Console console;
  if (log && !log->known().empty()) {
    console.say(concat("going on after ", log->known().size(), " items"));
  }
  stop_requested();  // from here on a signal is a request
  Clock::time_point start;
  const auto load = [&] {
    auto loaded = std::make_shared<pretrained::LoadedModel>(model);
    start = Clock::now();
    return loaded;
  };
  const eval::ScoringOptions options{arguments.batch_tokens, or_one_a_core(arguments.threads)};
  const auto scores =
      eval::score_tasks(tasks, load, options, log ? &*log : nullptr, progress_on(console, start));
  if (!scores) {
    console.say(log ? "stopped; the same command goes on"
                    : "stopped; without --out nothing is kept");
    return kInterrupted;
  }

  eval::Evaluation evaluation{command_text(arguments, windows), settings, model.config(), {}, {}};
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    evaluation.tasks.push_back(eval::summarise(tasks[t], (*scores)[t]));
  }
  if (other) evaluation.against = eval::compare(tasks, *scores, *other, arguments.bootstrap);
  report(arguments, evaluation);
  return kOk;
}

void declare_measure(CLI::App& command, Arguments& a) {
  command
      .add_option("model", a.model,
                  "folder (config.json and safetensors), GGUF file, or checkpoint of llama2.c")
      ->required();
  command.add_option("--task", a.tasks,
                     "NAME=FILE, a set of JSON Lines: " + join(eval::format_names()));
  command.add_option("--text", a.texts, "text files: bits per byte and perplexity, each by itself");
  command
      .add_option("--length", a.length,
                  "tokens that the model reads of a text at once; 0: its context, at most 2048")
      ->check(at_least(0));
  command
      .add_option("--stride", a.stride,
                  "tokens from one window of a text to the next; 0: half of --length")
      ->check(at_least(0));
  command
      .add_option("--bos", a.bos,
                  "a beginning token before every sequence: auto (as the tokenizer does), always, "
                  "never")
      ->check(CLI::IsMember(kBegin))
      ->capture_default_str();
  command.add_option("--limit", a.limit, "the first so many items of each task; 0: all")
      ->check(at_least(0));
  command.add_option("--adapter", a.adapter, "folder of a LoRA adapter in PEFT's layout");
  command.add_option("--tokenizer", a.tokenizer, "its file or folder, when not in the model's");
}

void declare_rest(CLI::App& command, Arguments& a) {
  command
      .add_option("--out", a.out,
                  "directory of evaluation.json and items.jsonl; the same command goes on there")
      ->capture_default_str();
  CLI::Option* against = command.add_option(
      "--against", a.against,
      "directory of another evaluation of the same items, for paired differences");
  command.add_option("--seed", a.bootstrap.seed, "of the resamples of --against")
      ->needs(against)
      ->capture_default_str();
  command.add_option("--batch-tokens", a.batch_tokens, "tokens that go through the model at once")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  add_threads(command, a.threads);
  command.add_flag("--json", a.json, "evaluation.json on stdout instead of the table");
}

}  // namespace

void add_eval(CLI::App& app, Work& work) {
  CLI::App* command =
      app.add_subcommand("eval", "score a model on evaluation sets and texts, item by item");
  auto arguments = std::make_shared<Arguments>();
  declare_measure(*command, *arguments);
  declare_rest(*command, *arguments);
  command->footer(
      "example:\n"
      "  sinkwise eval SmolLM2-135M --task lambada=lambada_test.jsonl --text book.txt --out "
      "scores");
  command->callback([arguments, &work] { work = [arguments] { return run(*arguments); }; });
}

}  // namespace sinkwise::apps
