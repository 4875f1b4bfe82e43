#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sinkwise/sweep/call.h"

namespace sinkwise::sweep {

enum class Command { train, finetune };

// One run of a sweep: `sinkwise train recipe --set a=b ...`, or `sinkwise finetune --recipe recipe
// --no-report --set a=b ...`.
struct Job {
  Command command = Command::train;
  std::string name;  // its directory under Grid::out
  std::filesystem::path recipe;
  std::vector<std::string> assignments;  // for --set, the directory and seed included
  std::filesystem::path directory;
  double cost = 1.0;  // relative length, to schedule and to guess the time left
  int stage = 0;      // 1 and up: needs the runs of the stage before
};

// With one thread, whatever the recipe says.
Call call_of(const Job& job);

// A pair of runs whose steps are timed in turn at the end (train::time_overhead).
struct OverheadJob {
  std::filesystem::path recipe;
  std::vector<std::string> assignments;
  std::int64_t pairs = 100;
};

struct Grid {
  std::string title;
  std::filesystem::path out;
  std::vector<Job> jobs;
  std::vector<OverheadJob> overhead;
};

// Reads a sweep file (TOML, docs/configuration.md):
//
//   title = "..."
//   out = "runs/demo"
//   seeds = [3, 4, 5]
//   [[arms]]
//   recipe = "bigram_backcopy.toml"       # relative to the sweep file
//   command = "train"                     # or "finetune", whose model and data the recipe or the
//                                         # environment names (SINKWISE_MODEL, SINKWISE_DATA_FILES)
//   set = ["run.label=no_bos"]            # for every run of these arms
//   grid = [["attention.mechanism=sink", "attention.mechanism=vanilla"], ["balance.form=cv"]]
//   seeds = [0]                           # instead of the file's
//   cost = 2.5                            # seconds of one run, or any other measure common to all
//   name = "base"                         # so that other arms can start from it
//   [[arms]]
//   recipe = "more.toml"
//   start = "base"                        # train.init_from that arm's run whose seed has the same
//   place
//   [[overhead]]
//   recipe = "bigram_backcopy.toml"
//   set = ["attention.mechanism=sink", "balance.form=cv"]
//   pairs = 200
//
// Every arm runs once for each element of the product of its grid's lists and each seed. Throws
// BadConfig for unknown keys, wrong types, assignments to keys that a sweep sets itself (run.seed,
// run.directory, run.threads, train.init_from beside start), a start that names no arm before it or
// one with several runs a seed, an empty sweep or two runs with one name; BadFile when the file
// cannot be read. `out` replaces the file's own when it is not empty.
Grid read_grid(const std::filesystem::path& path, const std::filesystem::path& out = {});

}  // namespace sinkwise::sweep
