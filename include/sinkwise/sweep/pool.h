#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sinkwise/core/error.h"
#include "sinkwise/sweep/call.h"

namespace sinkwise::sweep {

// What a sweep looks like from outside while it runs.
struct PoolProgress {
  std::size_t finished = 0, running = 0, total = 0;
  double fraction = 0.0;             // of the summed cost, running ones by their step
  double seconds_left = 0.0;         // NaN until this sweep has done something to judge by
  std::vector<std::string> current;  // names of those that run
};

class PoolListener {
 public:
  virtual ~PoolListener() = default;
  virtual void progressed(const PoolProgress&) {}
  virtual void finished(const Call&, double /*seconds*/) {}
};

struct PoolOptions {
  std::filesystem::path program;  // the sinkwise executable
  std::int64_t workers = 1;       // processes at a time
};

enum class PoolOutcome { finished, interrupted };

// Calls of a sweep failed. The text names them all and quotes the output of the first.
class CallsFailed : public ResourceError {
 public:
  CallsFailed(int code, ErrorText text) : ResourceError(std::move(text)), code_(code) {}

  // The exit code on which all that failed agree (128 + n after signal n); 0 when they differ.
  int code() const { return code_; }

 private:
  int code_;
};

// Runs every call as a process of its own, longest first, `workers` at a time, each with one
// thread. What it prints goes to output.txt in its directory. The program passes over what had
// finished before and goes on with what was stopped. When `stop` is set the running ones are asked
// to save and leave. Throws CallsFailed when one failed, after the others were asked to stop and
// have ended; ResourceError when one cannot be started.
PoolOutcome run_calls(std::vector<Call> calls, const PoolOptions& options, PoolListener& listener,
                      const std::atomic<bool>& stop);

}  // namespace sinkwise::sweep
