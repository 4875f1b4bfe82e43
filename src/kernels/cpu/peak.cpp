#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/peak.cpp"
#include "cpu/foreach_instruction_set.h"

#include "sinkwise/kernels/peak.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "cpu/pair-inl.h"
#include "cpu/task.h"
#include "cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {

// One step of a chain of multiply-adds. In float32 the sum is a factor, so that no compiler can
// form the product once and add it ever again.
struct FloatChain {
  static constexpr std::size_t kAdds = 1;
  static HWY_INLINE VectorF next(VectorF sum) {
    return multiply_add(sum, broadcast(0.999F), broadcast(0.001F));
  }
};

#if SINKWISE_HAS_PAIRS
struct PairChain {
  static constexpr std::size_t kAdds = kSteps<Pair>;
  static HWY_INLINE VectorF next(VectorF sum) {
    const VectorPair small = round_neighbours(broadcast(0.001F), broadcast(0.001F));
    return multiply_add(small, small, sum);
  }
};
#endif

constexpr std::size_t kSums = 12;  // independent chains hide the latency of a multiply-add
constexpr std::int64_t kRounds = 200'000;

// Nothing is loaded or stored.
template <class Chain, std::size_t... R>
HWY_NOINLINE float chains(std::index_sequence<R...>) {
  VectorF sum[sizeof...(R)];
  ((sum[R] = broadcast(0.5F + 0.01F * static_cast<float>(R))), ...);
  for (std::int64_t round = 0; round < kRounds; ++round) ((sum[R] = Chain::next(sum[R])), ...);
  float total = 0.0F;
  ((total += hn::GetLane(sum[R])), ...);
  return total;
}

// The best of repeated short runs.
template <class Chain>
double best_rate(double seconds) {
  using Clock = std::chrono::steady_clock;
  volatile float keep = 0.0F;
  double best = 0.0;
  const auto stop = Clock::now() + std::chrono::duration<double>(seconds);
  do {
    const auto begin = Clock::now();
    keep = chains<Chain>(std::make_index_sequence<kSums>());
    const double spent = std::chrono::duration<double>(Clock::now() - begin).count();
    best = std::max(best, static_cast<double>(kRounds) * kSums * kLanes * Chain::kAdds / spent);
  } while (Clock::now() < stop);
  static_cast<void>(keep);
  return best;
}

double multiply_adds_per_second(Element element, double seconds) {
#if SINKWISE_HAS_PAIRS
  if (element == Element::bfloat16 && bfloat16_dot_products()) return best_rate<PairChain>(seconds);
#endif
  static_cast<void>(element);
  return best_rate<FloatChain>(seconds);
}

}  // namespace sinkwise::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sinkwise::kernels {

HWY_EXPORT(multiply_adds_per_second);

double peak_flops(double seconds, Element element) {
  use_instruction_set_of_environment();
  return 2.0 * HWY_DYNAMIC_DISPATCH(multiply_adds_per_second)(element, seconds);
}

}  // namespace sinkwise::kernels
#endif
