// From the running softmax of a strip to log-sum-exp, gate and the factor of the output. The sink
// enters here: it has no value, so it only adds to the total.
#if defined(SINKWISE_EPILOGUE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SINKWISE_EPILOGUE_INL_H
#undef SINKWISE_EPILOGUE_INL_H
#else
#define SINKWISE_EPILOGUE_INL_H
#endif

#include <numbers>

#include "cpu/online_softmax-inl.h"
#include "hwy/contrib/math/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {

constexpr float kLog2E = std::numbers::log2e_v<float>;
constexpr float kLn2 = std::numbers::ln2_v<float>;

struct StripResult {
  HWY_ALIGN float out_factor[kStrip];  // what the unnormalised output must be multiplied by
  HWY_ALIGN float lse[kStrip];
  HWY_ALIGN float gate[kStrip];
};

// With M the largest score and l = sum 2^(s - M), both of the keys alone, and z the sink:
//   top = max(M, z),  total = l 2^(M - top) + 2^(z - top),  L = top + log total
//   G   = l 2^(M - top) / total of a sink (no cancellation where the gate is nearly shut), or
//         1 - 2^(s_first - top) / total
HWY_INLINE void finish_lanes(const RunningSoftmax& state, std::size_t at, const float* sink,
                             Gate gate, StripResult& result) {
  const F tag;
  const VectorF minus_infinity = broadcast(kMinusInfinity), one = broadcast(1.0F);
  const VectorF largest = load(state.largest + at), sum = load(state.sum + at);
  const MaskF empty = hn::Eq(largest, minus_infinity);
  VectorF top = largest, keys = sum, total = sum, shrink = one;
  if (sink != nullptr) {
    const VectorF logit = broadcast(*sink * kLog2E);
    top = hn::Max(largest, logit);
    const VectorF base = hn::IfThenZeroElse(hn::Eq(top, minus_infinity), top);
    shrink = exp2(hn::Sub(largest, base));
    keys = hn::Mul(sum, shrink);
    total = hn::Add(keys, exp2(hn::Sub(logit, base)));
  }
  const VectorF inverse = hn::Div(one, total);
  const VectorF lse = hn::MulAdd(top, broadcast(kLn2), hn::Log(tag, total));
  const VectorF lse_of_empty = sink != nullptr ? broadcast(*sink) : minus_infinity;
  store(hn::IfThenElse(empty, lse_of_empty, lse), result.lse + at);
  store(hn::IfThenZeroElse(empty, hn::Mul(shrink, inverse)), result.out_factor + at);
  if (gate == Gate::sink) {
    store(hn::IfThenZeroElse(empty, hn::Mul(keys, inverse)), result.gate + at);
  } else if (gate == Gate::first_key) {
    const VectorF score = load(state.first_score + at);
    const VectorF weight = hn::Mul(exp2(hn::Sub(score, top)), inverse);
    // Rounding may lift the weight of an only key a hair above 1.
    store(hn::IfThenElse(empty, one, hn::Sub(one, hn::Min(weight, one))), result.gate + at);
  }
}

inline void finish(const RunningSoftmax& state, const float* sink, Gate gate, StripResult& result) {
  for (std::size_t half = 0; half < kStrip; half += kLanes) {
    finish_lanes(state, half, sink, gate, result);
  }
}

}  // namespace sinkwise::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
