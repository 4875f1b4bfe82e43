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

// The one place where an exception becomes a message and an exit code.
int guarded(const Work& work) {
  try {
    return work();
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

// The command that was being read: "sinkwise bench step".
std::string words_so_far(const CLI::App* app) {
  std::string words = app->get_name();
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
    words += " " + app->get_name();
  }
  return words;
}

int run(int count, char** words) {
  CLI::App app{"Trains and inspects language models by what their attention heads do.", "sinkwise"};
  app.set_version_flag("--version", version_text());
  app.failure_message([](const CLI::App* used, const CLI::Error& problem) {
    return concat("error: ", problem.what(), "\n  next:     ", words_so_far(used), " --help\n");
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
    return code == 0 ? kOk : kBadConfig;
  }
  return guarded(work);
}

}  // namespace
}  // namespace sinkwise::apps

int main(int count, char** words) { return sinkwise::apps::run(count, words); }
