#include "sinkwise/inspect/inspect.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include <ATen/Parallel.h>

#include "commands.h"
#include "console.h"
#include "exit_code.h"
#include "inspect_model.h"
#include "report_files.h"
#include "shell_word.h"
#include "sinkwise/core/cores.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/memory.h"
#include "sinkwise/core/text.h"
#include "sinkwise/core/utf8.h"
#include "sinkwise/inspect/output.h"
#include "whole_numbers.h"

namespace sinkwise::apps {
namespace {

struct Arguments {
  std::string model, adapter, out = "inspection", begin = "auto";
  std::vector<std::string> texts;
  inspect::WindowOptions windows;
  inspect::InspectOptions options;
  int threads = 0;
  bool json = false;
};

const std::map<std::string, inspect::Begin> kBegin = {{"auto", inspect::Begin::tokenizer},
                                                      {"always", inspect::Begin::always},
                                                      {"never", inspect::Begin::never}};

constexpr std::uint64_t kMostTextBytes = std::uint64_t{1} << 30;

std::string command_text(const Arguments& a) {
  std::string text = "sinkwise inspect " + shell_word(a.model);
  if (!a.adapter.empty()) text += " --adapter " + shell_word(a.adapter);
  text += " --text";
  for (const std::string& file : a.texts) text += " " + shell_word(file);
  return concat(text, " --length ", a.windows.length, " --windows ", a.windows.most, " --bos ",
                a.begin, " --pruning-windows ", a.options.pruning_windows, " --seed ",
                a.options.seed);
}

// Here a text still has the name of its file.
std::string read_text(const std::string& path) {
  const std::string text = read_file(path, kMostTextBytes);
  std::uint32_t code = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = decode_utf8(std::string_view(text).substr(at), code);
    if (size == 0) {
      throw BadFile({"a text is no UTF-8", concat(printable(path), ", byte ", at), "UTF-8",
                     "'" + printable(text.substr(at, 4)) + "'",
                     "convert the text first, for example with iconv"});
    }
    at += size;
  }
  return text;
}

inspect::Windows windows_of(const pretrained::Model& model, const Arguments& arguments) {
  std::vector<std::string> texts;
  for (const std::string& path : arguments.texts) texts.push_back(read_text(path));
  const bool begins = arguments.windows.begin == inspect::Begin::always;
  auto windows = inspect::cut_windows(model.load_tokenizer(begins), texts, arguments.windows);
  windows.facts.files = arguments.texts;
  return windows;
}

int run(const Arguments& arguments) {
  require_directory(arguments.out);
  keep_freed_memory();
  at::set_num_threads(static_cast<int>(or_one_a_core(arguments.threads)));
  const auto model =
      pretrained::Model::open(arguments.model, {.adapter = arguments.adapter, .conversion = {}});
  const auto windows = windows_of(model, arguments);
  const auto inspection = inspect_model(model, arguments.model, windows, arguments.options);
  const auto json = inspect::to_json(inspection);
  const std::string page = write_report_files(
      arguments.out, inspect::to_document(inspection, command_text(arguments)), json);
  if (arguments.json) {
    std::cout << json_text(json, 1) << '\n';
  } else {
    const Screen screen = screen_of_output();
    std::cout << inspect::to_terminal(inspection, screen.columns, screen.rows) << '\n' << page;
  }
  return kOk;
}

}  // namespace

void add_inspect(CLI::App& app, Work& work) {
  CLI::App* command = app.add_subcommand(
      "inspect", "see which heads of a model are awake, and where its sinks are");
  auto a = std::make_shared<Arguments>();
  command->add_option("model", a->model, "folder (config.json and safetensors) or GGUF file")
      ->required();
  command->add_option("--adapter", a->adapter, "folder of a LoRA adapter in PEFT's layout");
  command->add_option("--text", a->texts, "text files, read one after the other")->required();
  command->add_option("--out", a->out, "directory of report.html and report.json")
      ->capture_default_str();
  command->add_option("--length", a->windows.length, "tokens of a window")
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  command->add_option("--windows", a->windows.most, "windows at most")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command
      ->add_option("--bos", a->begin,
                   "a beginning token in every window: auto (as the tokenizer does), always, never")
      ->check(CLI::IsMember(kBegin))
      ->each([a](const std::string& text) { a->windows.begin = kBegin.at(text); })
      ->capture_default_str();
  command
      ->add_option("--pruning-windows", a->options.pruning_windows,
                   "windows on which heads are silenced; 0: none are")
      ->check(at_least(0))
      ->capture_default_str();
  command->add_option("--seed", a->options.seed, "of the random orders")->capture_default_str();
  add_threads(*command, a->threads);
  command->add_flag("--json", a->json, "report.json on stdout as well, instead of the summary");
  command->footer("example:\n  sinkwise inspect SmolLM2-135M --text book.txt --out inspection");
  command->callback([a, &work] { work = [a] { return run(*a); }; });
}

}  // namespace sinkwise::apps
