#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/peak.cpp"
#include "cpu/foreach_instruction_set.h"

#include "sinkwise/kernels/peak.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "cpu/task.h"
#include "cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {

// kSums independent chains hide the latency of a multiply-add; nothing is loaded or stored.
template <std::size_t... R>
HWY_INLINE float chains(std::index_sequence<R...>, std::int64_t steps) {
  VectorF sum[sizeof...(R)];
  ((sum[R] = broadcast(0.5F + 0.01F * static_cast<float>(R))), ...);
  const VectorF shrink = broadcast(0.999F), grow = broadcast(0.001F);
  for (std::int64_t step = 0; step < steps; ++step) {
    ((sum[R] = hn::MulAdd(sum[R], shrink, grow)), ...);
  }
  float total = 0.0F;
  ((total += hn::GetLane(sum[R])), ...);
  return total;
}

double multiply_adds_per_second(double seconds) {
  constexpr std::size_t kSums = 12;
  constexpr std::int64_t kSteps = 200'000;
  using Clock = std::chrono::steady_clock;
  volatile float keep = 0.0F;
  double best = 0.0;
  const auto stop = Clock::now() + std::chrono::duration<double>(seconds);
  do {
    const auto begin = Clock::now();
    keep = chains(std::make_index_sequence<kSums>(), kSteps);
    const double spent = std::chrono::duration<double>(Clock::now() - begin).count();
    best = std::max(best, static_cast<double>(kSteps) * kSums * kLanes / spent);
  } while (Clock::now() < stop);
  static_cast<void>(keep);
  return best;
}

}  // namespace sinkwise::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sinkwise::kernels {

HWY_EXPORT(multiply_adds_per_second);

double peak_flops(double seconds) {
  use_instruction_set_of_environment();
  return 2.0 * HWY_DYNAMIC_DISPATCH(multiply_adds_per_second)(seconds);
}

}  // namespace sinkwise::kernels
#endif
