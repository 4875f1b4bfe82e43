// The running softmax of one strip of query rows, a row a lane.
#if defined(SINKWISE_ONLINE_SOFTMAX_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SINKWISE_ONLINE_SOFTMAX_INL_H
#undef SINKWISE_ONLINE_SOFTMAX_INL_H
#else
#define SINKWISE_ONLINE_SOFTMAX_INL_H
#endif

#include <limits>

#include "cpu/exponential-inl.h"
#include "cpu/mask-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

// What the online softmax remembers of the keys so far. Scores are in units of log 2.
struct RunningSoftmax {
  HWY_ALIGN float largest[kStrip];      // -inf before the first visible key
  HWY_ALIGN float sum[kStrip];          // of 2^(score - largest)
  HWY_ALIGN float first_score[kStrip];  // of the first key; -inf until and unless it is seen
};

inline void start(RunningSoftmax& state) {
  for (std::size_t row = 0; row < kStrip; ++row) {
    state.largest[row] = kMinusInfinity;
    state.sum[row] = 0.0F;
    state.first_score[row] = kMinusInfinity;
  }
}

// Hides scores [keys, kStrip] of the keys begin, begin + 1, ... from the rows that do not see them.
HWY_INLINE void mask_scores(float* scores, std::int32_t begin, std::int32_t end,
                            const RowRange* rows, const GroupRange& group) {
  const LaneRanges low = lane_ranges(rows), high = lane_ranges(rows + kLanes);
  const VectorF hidden = broadcast(kMinusInfinity);
  for (std::int32_t key = begin; key < end; ++key, scores += kStrip) {
    if (group.all_begin <= key && key < group.all_end) continue;
    store(hn::IfThenElse(rows_that_see(low, key), load(scores), hidden), scores);
    store(hn::IfThenElse(rows_that_see(high, key), load(scores + kLanes), hidden), scores + kLanes);
  }
}

// Turns one vector of rows from scores to 2^(score - largest) in place, and leaves in `rescale`
// what everything summed before must be multiplied by.
HWY_INLINE void update_lanes(float* scores, std::size_t keys, float* largest, float* sum,
                             float* rescale) {
  const VectorF before = load(largest);
  VectorF after0 = before, after1 = before;
  std::size_t key = 0;
  for (; key + 2 <= keys; key += 2) {
    after0 = hn::Max(after0, load(scores + key * kStrip));
    after1 = hn::Max(after1, load(scores + (key + 1) * kStrip));
  }
  if (key < keys) after0 = hn::Max(after0, load(scores + key * kStrip));
  const VectorF after = hn::Max(after0, after1);
  // Rows that have seen nothing yet: -inf - -inf would be NaN.
  const VectorF base = hn::IfThenZeroElse(hn::Eq(after, broadcast(kMinusInfinity)), after);
  VectorF sum0 = hn::Zero(F()), sum1 = hn::Zero(F());
  for (key = 0; key + 2 <= keys; key += 2) {
    const VectorF weight0 = exp2(hn::Sub(load(scores + key * kStrip), base));
    const VectorF weight1 = exp2(hn::Sub(load(scores + (key + 1) * kStrip), base));
    store(weight0, scores + key * kStrip);
    store(weight1, scores + (key + 1) * kStrip);
    sum0 = hn::Add(sum0, weight0);
    sum1 = hn::Add(sum1, weight1);
  }
  if (key < keys) {
    const VectorF weight = exp2(hn::Sub(load(scores + key * kStrip), base));
    store(weight, scores + key * kStrip);
    sum0 = hn::Add(sum0, weight);
  }
  const VectorF shrink = exp2(hn::Sub(before, base));
  store(shrink, rescale);
  store(after, largest);
  store(hn::MulAdd(load(sum), shrink, hn::Add(sum0, sum1)), sum);
}

// scores [keys, kStrip], masked; rescale [kStrip].
inline HWY_NOINLINE void update(RunningSoftmax& state, float* scores, std::size_t keys,
                                float* rescale) {
  for (std::size_t half = 0; half < kStrip; half += kLanes) {
    update_lanes(scores + half, keys, state.largest + half, state.sum + half, rescale + half);
  }
}

}  // namespace sinkwise::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
