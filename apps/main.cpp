#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "console.h"
#include "exit_code.h"
#include "sinkwise/build_info.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::apps {
namespace {

std::string version_text() {
  return concat("sinkwise ", kVersion, " (", kCommit, ", ", kBuildType, ", torch ", kTorchVersion,
                kSanitizers[0] != '\0' ? concat(", sanitizers: ", kSanitizers) : std::string(),
                ")");
}

std::string version_json() {
  return nlohmann::json({{"version", kVersion},
                         {"commit", kCommit},
                         {"build_type", kBuildType},
                         {"torch", kTorchVersion},
                         {"sanitizers", kSanitizers}})
      .dump();
}

void add_version(CLI::App& app, Work& run) {
  CLI::App* command = app.add_subcommand("version", "say what this build is");
  static bool as_json = false;
  command->add_flag("--json", as_json, "for programs");
  command->callback([&run] {
    run = [] {
      std::cout << (as_json ? version_json() : version_text()) << '\n';
      return kOk;
    };
  });
}

// A table or JSON of which the disk took a part only is no result.
void require_written() {
  if (std::cout.flush()) return;
  throw ResourceError({"the output could not be written", "standard output", "all of it", "a part",
                       "free some room where it goes to"});
}

// The one place where an exception becomes a message and an exit code.
int guarded(const Work& work) {
  try {
    const int code = work();
    require_written();
    return code;
  } catch (const Error& error) {
    Console::error(error.what());
    return exit_code(error.fault());
  } catch (const std::bad_alloc&) {
    Console::error(
        "out of memory\n  next:     lower train.batch_rows or train.micro_rows; for a published "
        "model "
        "--windows, --length or --batch-tokens");
    return kResource;
  } catch (const std::exception& error) {
    Console::error(concat("a fault of sinkwise itself: ", error.what(),
                          "\n  next:     please report this with the command and the text above"));
    return kFailure;
  }
}

// The command that was being read, outermost first: sinkwise, bench, step.
std::vector<const CLI::App*> commands_so_far(const CLI::App* app) {
  std::vector<const CLI::App*> commands{app};
  while (!app->get_subcommands().empty()) {
    commands.push_back(app = app->get_subcommands().front());
  }
  return commands;
}

// What is wrong with the first word that looks like an option of `command` and is none; empty when
// there is no such word.
std::string unknown_option(const CLI::App& command, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (!name.starts_with("--") || command.get_option_no_throw(name) != nullptr) continue;
    std::vector<std::string> known;
    for (const CLI::Option* option : command.get_options()) {
      for (const std::string& long_name : option->get_lnames()) known.push_back("--" + long_name);
    }
    const std::string near = nearest(name, known);
    return concat("unknown option ", printable(name),
                  near.empty() ? std::string() : concat("; did you mean ", near, "?"));
  }
  return "";
}

std::string command_line_problem(const CLI::App* used, const CLI::Error& problem,
                                 const std::vector<std::string>& words) {
  const auto commands = commands_so_far(used);
  std::string text, command;
  const bool unexpected = problem.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
  if (unexpected) text = unknown_option(*commands.back(), words);
  for (const CLI::App* app : commands) command += app->get_name() + " ";
  return concat("error: ", text.empty() ? problem.what() : text, "\n  next:     ", command,
                "--help\n");
}

int run(int count, char** words) {
  CLI::App app{"Trains and inspects language models by what their attention heads do.", "sinkwise"};
  app.set_version_flag("--version", version_text());
  app.failure_message([&](const CLI::App* used, const CLI::Error& problem) {
    return command_line_problem(used, problem, {words, words + count});
  });
  Work work;
  add_train(app, work);
  add_sweep(app, work);
  add_compare(app, work);
  add_inspect(app, work);
  add_finetune(app, work);
  add_merge(app, work);
  add_eval(app, work);
  add_check(app, work);
  add_generate(app, work);
  add_bench(app, work);
  add_config(app, work);
  add_version(app, work);
  try {
    app.parse(count, words);
    // Asked only now, so that a misspelt command is named and not called missing.
    if (!work) throw CLI::RequiredError("A command");
  } catch (const CLI::ParseError& problem) {
    const int code = app.exit(problem, std::cout, std::cerr);
    return code == 0 ? guarded([] { return kOk; }) : kBadConfig;
  }
  return guarded(work);
}

}  // namespace
}  // namespace sinkwise::apps

int main(int count, char** words) { return sinkwise::apps::run(count, words); }
