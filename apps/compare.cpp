#include <algorithm>

#include "commands.h"
#include "exit_code.h"
#include "report_files.h"
#include "shell_word.h"
#include "sinkwise/compare/before_after.h"
#include "sinkwise/compare/run.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "whole_numbers.h"

namespace sinkwise::apps {
namespace {

struct Arguments {
  std::vector<std::string> folders;
  std::string out = "comparison", overhead;
  std::optional<std::int64_t> shared_heads;
  bool json = false;
};

std::string command_text(const Arguments& arguments) {
  std::string command = "sinkwise compare";
  for (const std::string& folder : arguments.folders) command += " " + shell_word(folder);
  if (!arguments.overhead.empty()) command += " --overhead " + shell_word(arguments.overhead);
  if (arguments.shared_heads) command += concat(" --shared-heads ", *arguments.shared_heads);
  return command + " --out " + shell_word(arguments.out);
}

[[noreturn]] void refuse(std::string what, std::string found) {
  throw BadConfig(
      {.what = std::move(what),
       .where = "compare",
       .expected = "any number of finished runs, or two inspections: before, then after",
       .found = std::move(found),
       .next = "give runs by themselves; give inspections in pairs, one command a pair"});
}

void require_folders(const Arguments& arguments) {
  namespace fs = std::filesystem;
  for (const std::string& folder : arguments.folders) {
    std::error_code ignored;
    if (!fs::is_directory(folder, ignored))
      throw BadFile({.what = "There is no such folder to compare.",
                     .where = printable(folder),
                     .expected = "the directory of a run or of an inspection",
                     .found = fs::exists(folder, ignored) ? "a file" : "nothing",
                     .next = "check the path"});
    if (fs::equivalent(folder, arguments.out, ignored))
      throw BadConfig({.what = "The comparison would overwrite what it compares.",
                       .where = concat("--out ", printable(arguments.out)),
                       .expected = "a directory of its own",
                       .found = printable(folder),
                       .next = "choose another --out"});
  }
}

// Whether all folders are inspections; a mixture, or other than two of them, is refused.
bool are_inspections(const Arguments& arguments) {
  const auto& folders = arguments.folders;
  const auto inspections = static_cast<std::size_t>(std::ranges::count_if(
      folders, [](const std::string& folder) { return compare::holds_inspection(folder); }));
  const auto counts = [&] {
    return concat(inspections, " with an inspection's report.json, ", folders.size() - inspections,
                  " without");
  };
  if (inspections == 0) {
    if (arguments.shared_heads)
      refuse("--shared-heads is for inspections: runs say themselves what they shared.", counts());
    return false;
  }
  if (inspections != folders.size())
    refuse("Runs and inspections cannot stand in one comparison.", counts());
  if (inspections != 2) refuse("Inspections are compared two at a time.", counts());
  if (!arguments.overhead.empty())
    refuse("--overhead is for runs: inspections hold no times of training steps.", counts());
  return true;
}

int run(const Arguments& arguments) {
  require_folders(arguments);
  const ReportPlace place{arguments.out, command_text(arguments), arguments.json};
  const std::vector<std::filesystem::path> folders(arguments.folders.begin(),
                                                   arguments.folders.end());
  if (are_inspections(arguments)) {
    write_change(folders[0], folders[1], arguments.shared_heads, place);
    return kOk;
  }
  std::vector<compare::Overhead> overhead;
  if (!arguments.overhead.empty()) overhead = compare::load_overhead(arguments.overhead);
  write_report(folders, overhead, place);
  return kOk;
}

}  // namespace

void add_compare(CLI::App& app, Work& work) {
  CLI::App* command = app.add_subcommand(
      "compare", "put finished runs, or a model before and after, side by side in one page");
  auto arguments = std::make_shared<Arguments>();
  command
      ->add_option("folders", arguments->folders,
                   "run directories; or two folders of `sinkwise inspect`: before, then after")
      ->required();
  command->add_option("--out", arguments->out, "directory of report.html and report.json")
      ->capture_default_str();
  command->add_option("--overhead", arguments->overhead,
                      "runs: overhead.json of `sinkwise bench overhead`");
  command
      ->add_option("--shared-heads", arguments->shared_heads,
                   "inspections: most important heads a layer that stayed out of the balance; "
                   "left out: a quarter")
      ->check(at_least(0));
  command->add_flag("--json", arguments->json,
                    "report.json on stdout as well, instead of the summary");
  command->footer(
      "examples:\n"
      "  sinkwise compare runs/demo/*seed* --out runs/demo\n"
      "  sinkwise compare before after --out change");
  command->callback([arguments, &work] { work = [arguments] { return run(*arguments); }; });
}

}  // namespace sinkwise::apps
