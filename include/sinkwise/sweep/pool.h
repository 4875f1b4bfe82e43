#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sinkwise/core/error.h"
#include "sinkwise/sweep/grid.h"

namespace sinkwise::sweep {

// What a sweep looks like from outside while it runs.
struct PoolProgress {
  std::size_t finished = 0, running = 0, total = 0;
  double fraction = 0.0;             // of the summed cost, running jobs by their step
  double seconds_left = 0.0;         // NaN until there is something to judge by
  std::vector<std::string> current;  // names of the running jobs
};

class PoolListener {
 public:
  virtual ~PoolListener() = default;
  virtual void progressed(const PoolProgress&) {}
  virtual void finished(const Job&, double /*seconds*/) {}
};

struct PoolOptions {
  std::filesystem::path program;  // the sinkwise executable
  std::int64_t workers = 1;       // processes at a time, one thread each
};

enum class PoolOutcome { finished, interrupted };

// Runs of a sweep failed. The text names them all and quotes the output of the first.
class JobsFailed : public ResourceError {
 public:
  JobsFailed(int code, ErrorText text) : ResourceError(std::move(text)), code_(code) {}

  // The exit code on which all failed runs agree (128 + n after signal n); 0 when they differ.
  int code() const { return code_; }

 private:
  int code_;
};

// Runs every job as a process of its own, longest first, `workers` at a time, each with one thread.
// What a job prints goes to output.txt in its directory. Jobs that had finished before are passed
// over by the trainer itself; stopped ones go on where they were. When `stop` is set the running
// jobs are asked to save and leave. Throws JobsFailed when a job failed, after the others were
// asked to stop and have ended; ResourceError when one cannot be started.
PoolOutcome run_jobs(std::vector<Job> jobs, const PoolOptions& options, PoolListener& listener,
                     const std::atomic<bool>& stop);

}  // namespace sinkwise::sweep
