#pragma once

#include <chrono>

namespace sinkwise {

// For durations: never set back, unlike the time of day.
using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace sinkwise
