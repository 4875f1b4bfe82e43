// 2^x for the softmax.
#if defined(SINKWISE_EXPONENTIAL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SINKWISE_EXPONENTIAL_INL_H
#undef SINKWISE_EXPONENTIAL_INL_H
#else
#define SINKWISE_EXPONENTIAL_INL_H
#endif

#include "cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {

// 2^x for x <= 127, within 1.5 units in the last place; 0 below -126 (a result there would be
// denormal), NaN for NaN. Scores are kept in units of log 2, so this is all that softmax needs:
// x = n + r with n whole and |r| <= 1/2, and 2^r by its Taylor polynomial of degree 6 in r log 2,
// whose first dropped term is (log(2) / 2)^7 / 7! = 1.2e-7 / 1.5 of a rounding.
HWY_INLINE VectorF exp2(VectorF x) {
  const VectorI whole = hn::NearestInt(x);
  const VectorF r = hn::Sub(x, hn::ConvertTo(F(), whole));
  VectorF p = broadcast(1.540353039338161e-4F);            // log(2)^6 / 6!
  p = hn::MulAdd(p, r, broadcast(1.333355814642844e-3F));  // log(2)^5 / 5!
  p = hn::MulAdd(p, r, broadcast(9.618129107628477e-3F));
  p = hn::MulAdd(p, r, broadcast(5.550410866482158e-2F));
  p = hn::MulAdd(p, r, broadcast(2.402265069591007e-1F));
  p = hn::MulAdd(p, r, broadcast(6.931471805599453e-1F));
  p = hn::MulAdd(p, r, broadcast(1.0F));
  // A product, not an addition to the exponent's bits: NaN stays NaN.
  const VectorF power = hn::BitCast(F(), hn::ShiftLeft<23>(hn::Add(whole, hn::Set(I(), 127))));
  return hn::IfThenZeroElse(hn::Lt(x, broadcast(-126.0F)), hn::Mul(p, power));
}

}  // namespace sinkwise::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
