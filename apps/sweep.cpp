#include "commands.h"
#include "console.h"
#include "exit_code.h"
#include "report_files.h"
#include "shell_word.h"
#include "sinkwise/core/cores.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/text.h"
#include "sinkwise/sweep/grid.h"
#include "sinkwise/sweep/pool.h"
#include "sweep_checks.h"
#include "sweep_evaluation.h"
#include "sweep_overhead.h"

namespace sinkwise::apps {
namespace {

struct Arguments {
  std::string file, out;
  std::vector<std::string> tasks;  // NAME=FILE
  std::int64_t workers = 0;
};

std::string command_text(const Arguments& arguments) {
  std::string text = "sinkwise sweep " + shell_word(arguments.file);
  if (!arguments.out.empty()) text += " --out " + shell_word(arguments.out);
  for (const std::string& task : arguments.tasks) text += " --task " + shell_word(task);
  return text;
}

class SweepConsole : public sweep::PoolListener {
 public:
  // `what` is counted: runs, evaluations.
  SweepConsole(Console& console, std::string what) : console_(console), what_(std::move(what)) {}

  void progressed(const sweep::PoolProgress& p) override {
    console_.progress(concat(fixed(100.0 * p.fraction, 0), "%  ", p.finished, " of ", p.total, " ",
                             what_, " done  left ", duration_text(p.seconds_left), "  now ",
                             join(p.current)));
  }

  void finished(const sweep::Call& call, double seconds) override {
    console_.say(concat("done  ", call.name, "  ", duration_text(seconds)));
  }

 private:
  Console& console_;
  std::string what_;
};

// A sweep ends with the exit code on which its failed runs agree, where it is a fault's.
sweep::PoolOutcome run_calls(const std::vector<sweep::Call>& calls, const std::string& what,
                             std::int64_t workers, Console& console) {
  SweepConsole listener(console, what);
  const auto program = std::filesystem::read_symlink("/proc/self/exe");
  try {
    return sweep::run_calls(calls, {program, workers}, listener, stop_requested());
  } catch (const sweep::CallsFailed& failed) {
    throw Error(fault_of(failed.code()), failed.text());
  }
}

// Calls that need those before them to be finished.
struct Stage {
  std::string what;
  std::vector<sweep::Call> calls;
};

std::vector<Stage> stages_of(const sweep::Grid& grid, const SweepEvaluation& evaluation) {
  std::vector<Stage> stages;
  for (const sweep::Job& job : grid.jobs) {
    const auto stage = static_cast<std::size_t>(job.stage);
    if (stages.size() <= stage) stages.resize(stage + 1, {"runs", {}});
    stages[stage].calls.push_back(sweep::call_of(job));
  }
  for (const auto& calls : {evaluation.untouched, evaluation.runs}) {
    if (!calls.empty()) stages.push_back({"evaluations", calls});
  }
  return stages;
}

int run(const Arguments& arguments) {
  sweep::Grid grid = sweep::read_grid(arguments.file, arguments.out);
  const std::int64_t workers = or_one_a_core(arguments.workers);
  check_runs(grid, arguments.file);
  const SweepEvaluation evaluation = plan_evaluation(grid, arguments.tasks, arguments.file);
  make_directories(grid.out);
  Console console;
  console.say(concat(grid.title, "\n", grid.jobs.size(), " runs, ", workers, " at a time, in ",
                     grid.out.string()));
  for (const Stage& stage : stages_of(grid, evaluation)) {
    if (run_calls(stage.calls, stage.what, workers, console) == sweep::PoolOutcome::finished)
      continue;
    console.say("stopped; the same command goes on where it was");
    return kInterrupted;
  }
  if (!grid.overhead.empty()) measure_overhead(grid, console);
  std::vector<std::filesystem::path> runs;
  for (const sweep::Job& job : grid.jobs) runs.push_back(job.directory);
  std::vector<compare::Overhead> overhead;
  if (!grid.overhead.empty()) overhead = compare::load_overhead(grid.out / "overhead.json");
  write_report(runs, overhead, {grid.out, command_text(arguments)});
  return kOk;
}

}  // namespace

void add_sweep(CLI::App& app, Work& work) {
  CLI::App* command = app.add_subcommand("sweep", "train a grid of runs, then compare them");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("file", arguments->file, "sweep file (TOML)")->required();
  command->add_option("--out", arguments->out, "directory of the runs, instead of the file's");
  command->add_option("--workers", arguments->workers,
                      "runs at a time, one thread each; 0: one a core");
  command->add_option(
      "--task", arguments->tasks,
      "NAME=FILE, evaluated at the end with the fine-tuned models and the untouched "
      "one; as for `sinkwise eval`");
  command->footer(
      "example:\n  sinkwise sweep recipes/demo.toml\n"
      "Give the same command again after any stop: finished runs are kept, stopped ones go on.");
  command->callback([arguments, &work] { work = [arguments] { return run(*arguments); }; });
}

}  // namespace sinkwise::apps
