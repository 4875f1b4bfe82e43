#pragma once

#include <cstdint>

namespace sinkwise::train {

enum class ScheduleKind {
  cosine,               // warm-up, then half a cosine down to final_fraction
  warmup_stable_decay,  // warm-up, flat, then linear to final_fraction over the last decay_fraction
  constant,             // warm-up, then flat
};

struct ScheduleConfig {
  ScheduleKind kind = ScheduleKind::cosine;
  std::int64_t warmup_steps = 50;
  double final_fraction = 0.1;  // of the peak, at the last step
  double decay_fraction = 0.2;  // of all steps, warmup_stable_decay only
};

// Learning rate of step 1 .. total as a fraction of the peak; a pure function, so resume needs no
// state. Warm-up is linear and reaches 1 at step warmup_steps.
double learning_rate_fraction(const ScheduleConfig& config, std::int64_t step, std::int64_t total);

}  // namespace sinkwise::train
