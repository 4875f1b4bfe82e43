#include "commands.h"
#include "console.h"
#include "exit_code.h"
#include "report_files.h"
#include "sinkwise/core/cores.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/text.h"
#include "sinkwise/sweep/grid.h"
#include "sinkwise/sweep/pool.h"
#include "sweep_checks.h"
#include "sweep_overhead.h"

namespace sinkwise::apps {
namespace {

struct Arguments {
  std::string file, out;
  std::int64_t workers = 0;
};

class SweepConsole : public sweep::PoolListener {
 public:
  explicit SweepConsole(Console& console) : console_(console) {}

  void progressed(const sweep::PoolProgress& p) override {
    console_.progress(concat(fixed(100.0 * p.fraction, 0), "%  ", p.finished, " of ", p.total,
                             " runs done  left ", duration_text(p.seconds_left), "  now ",
                             join(p.current)));
  }

  void finished(const sweep::Job& job, double seconds) override {
    console_.say(concat("done  ", job.name, "  ", duration_text(seconds)));
  }

 private:
  Console& console_;
};

// A sweep ends with the exit code on which its failed runs agree, where it is a fault's.
sweep::PoolOutcome run_jobs(const std::vector<sweep::Job>& jobs, std::int64_t workers,
                            Console& console) {
  SweepConsole listener(console);
  const auto program = std::filesystem::read_symlink("/proc/self/exe");
  try {
    return sweep::run_jobs(jobs, {program, workers}, listener, stop_requested());
  } catch (const sweep::JobsFailed& failed) {
    throw Error(fault_of(failed.code()), failed.text());
  }
}

// The jobs by the runs that they need to be finished.
std::vector<std::vector<sweep::Job>> stages_of(const sweep::Grid& grid) {
  std::vector<std::vector<sweep::Job>> stages;
  for (const sweep::Job& job : grid.jobs) {
    const auto stage = static_cast<std::size_t>(job.stage);
    if (stages.size() <= stage) stages.resize(stage + 1);
    stages[stage].push_back(job);
  }
  return stages;
}

int run(const Arguments& arguments) {
  sweep::Grid grid = sweep::read_grid(arguments.file, arguments.out);
  const std::int64_t workers = or_one_a_core(arguments.workers);
  check_runs(grid, arguments.file);
  make_directories(grid.out);
  Console console;
  console.say(concat(grid.title, "\n", grid.jobs.size(), " runs, ", workers, " at a time, in ",
                     grid.out.string()));
  for (const std::vector<sweep::Job>& stage : stages_of(grid)) {
    if (run_jobs(stage, workers, console) == sweep::PoolOutcome::finished) continue;
    console.say("stopped; the same command goes on where it was");
    return kInterrupted;
  }
  if (!grid.overhead.empty()) measure_overhead(grid, console);
  std::vector<std::filesystem::path> runs;
  for (const sweep::Job& job : grid.jobs) runs.push_back(job.directory);
  std::vector<compare::Overhead> overhead;
  if (!grid.overhead.empty()) overhead = compare::load_overhead(grid.out / "overhead.json");
  write_report(runs, overhead, {grid.out, "sinkwise sweep " + arguments.file});
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
  command->footer(
      "example:\n  sinkwise sweep recipes/demo.toml\n"
      "Give the same command again after any stop: finished runs are kept, stopped ones go on.");
  command->callback([arguments, &work] { work = [arguments] { return run(*arguments); }; });
}

}  // namespace sinkwise::apps
