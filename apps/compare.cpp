#include <iostream>

#include "commands.h"
#include "exit_code.h"
#include "report_files.h"
#include "sinkwise/compare/run.h"

namespace sinkwise::apps {
namespace {

struct Arguments {
  std::vector<std::string> runs;
  std::string out = "comparison", overhead;
};

std::string command_text(const Arguments& arguments) {
  std::string command = "sinkwise compare";
  for (const std::string& run : arguments.runs) command += " " + run;
  if (!arguments.overhead.empty()) command += " --overhead " + arguments.overhead;
  return command + " --out " + arguments.out;
}

int run(const Arguments& arguments) {
  std::vector<std::filesystem::path> runs(arguments.runs.begin(), arguments.runs.end());
  std::vector<compare::Overhead> overhead;
  if (!arguments.overhead.empty()) overhead = compare::load_overhead(arguments.overhead);
  write_report(runs, overhead, arguments.out, command_text(arguments));
  return kOk;
}

}  // namespace

void add_compare(CLI::App& app, Work& work) {
  CLI::App* command = app.add_subcommand("compare", "put finished runs side by side in one page");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("runs", arguments->runs, "run directories")->required();
  command->add_option("--out", arguments->out, "directory of report.html and report.json")
      ->capture_default_str();
  command->add_option("--overhead", arguments->overhead,
                      "overhead.json of `sinkwise bench overhead`");
  command->footer("example:\n  sinkwise compare runs/demo/*seed* --out runs/demo");
  command->callback([arguments, &work] { work = [arguments] { return run(*arguments); }; });
}

}  // namespace sinkwise::apps
