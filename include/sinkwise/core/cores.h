#pragma once

#include <algorithm>
#include <cstdint>
#include <thread>

namespace sinkwise {

// `asked`, or for 0 as many as this machine has cores.
inline std::int64_t or_one_a_core(std::int64_t asked) {
  const std::int64_t cores = std::thread::hardware_concurrency();  // 0 where it is not known
  return asked > 0 ? asked : std::max<std::int64_t>(1, cores);
}

}  // namespace sinkwise
