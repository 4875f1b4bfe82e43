#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "sinkwise/train/evaluate.h"
#include "sinkwise/train/experiment.h"

namespace sinkwise::train {

// Milliseconds of each training step of this process.
struct StepTimes {
  std::vector<double> milliseconds;
  std::int64_t tokens_per_step = 0;
  double wall_seconds = 0.0;
};

// The value at `fraction` of the sorted list (0.5: the median); NaN when it is empty.
double quantile(std::vector<double> values, double fraction);

// result.json (docs/run_directory.md): what a finished run says about itself, all that `compare`
// reads.
nlohmann::json result_json(const LoopConfig& config, const nlohmann::json& flat_config,
                           const Experiment& experiment, const Evaluation& evaluation,
                           std::int64_t skipped_steps, const StepTimes& times);

}  // namespace sinkwise::train
