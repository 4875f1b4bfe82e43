#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "sinkwise/train/experiment.h"
#include "sinkwise/train/run_config.h"

namespace sinkwise::train {

// Wall milliseconds of `steps` training steps of a run in memory, after `warmup` that do not count.
std::vector<double> time_steps(const RunConfig& config, std::int64_t warmup, std::int64_t steps);

// What the balance loss costs: steps of a run and of the same run without it, in turn in one
// process, so that a machine that speeds up or slows down meets both alike.
struct Overhead {
  std::string task, mechanism;
  double base_ms = 0.0, balanced_ms = 0.0;   // medians
  double ratio = 0.0;                        // median over pairs of balanced / base
  double ratio_low = 0.0, ratio_high = 0.0;  // its quartiles
  std::int64_t pairs = 0;
};
Overhead time_overhead(const RunConfig& balanced, std::int64_t pairs);

// The same for any experiment: `with` is trained by `balanced`, its twin `without` by the same loop
// with balance.form=none. `task` is the name in the result.
Overhead time_overhead(const LoopConfig& balanced, Experiment with, Experiment without,
                       const std::string& task, std::int64_t pairs);

// The entry of overhead.json that `compare` reads.
nlohmann::json to_json(const Overhead& overhead);

}  // namespace sinkwise::train
