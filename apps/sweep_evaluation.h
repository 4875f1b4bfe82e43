#pragma once

#include <string>
#include <vector>

#include "sinkwise/sweep/grid.h"

namespace sinkwise::apps {

// What `sinkwise sweep --task` evaluates: the models that the runs started from, then those that
// came of them, each held against the one it was.
struct SweepEvaluation {
  std::vector<sweep::Call> untouched;  // into untouched/ of the sweep's directory
  std::vector<sweep::Call> runs;       // into evaluation/ of each run
};

// Reads tasks and models first, so that what does not fit is said before hours of work: BadConfig
// for runs of `train`, whose models `eval` does not open, and all that `eval` says of a task.
// Nothing for no task. `file` is the sweep's, for messages.
SweepEvaluation plan_evaluation(const sweep::Grid& grid, const std::vector<std::string>& tasks,
                                const std::string& file);

}  // namespace sinkwise::apps
