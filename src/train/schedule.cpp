#include "sinkwise/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sinkwise::train {
namespace {

// 0 at `from`, 1 at `to`.
double progress(std::int64_t step, double from, double to) {
  const double place = static_cast<double>(step);
  if (place >= to) return 1.0;  // first, so that an empty stretch is a jump at its end
  return place <= from ? 0.0 : (place - from) / (to - from);
}

}  // namespace

double learning_rate_fraction(const ScheduleConfig& config, std::int64_t step, std::int64_t total) {
  if (step <= config.warmup_steps) {
    return static_cast<double>(step) / static_cast<double>(config.warmup_steps);
  }
  const double last = static_cast<double>(total), warm = static_cast<double>(config.warmup_steps);
  const double floor = config.final_fraction;
  switch (config.kind) {
    case ScheduleKind::constant:
      return 1.0;
    case ScheduleKind::cosine:
      return floor +
             (1.0 - floor) * 0.5 * (1.0 + std::cos(std::numbers::pi * progress(step, warm, last)));
    case ScheduleKind::warmup_stable_decay: {
      const double start = std::max(warm, last * (1.0 - config.decay_fraction));
      return 1.0 - (1.0 - floor) * progress(step, start, last);
    }
  }
  return 1.0;
}

}  // namespace sinkwise::train
