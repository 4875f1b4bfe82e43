// Vectors of bfloat16 pairs: the two instructions of AVX512_BF16 that the kernels use. Highway has
// no target for them, so they stand in assembly, where they need no compiler flag: the code around
// them stays plain AVX-512, and only Pair blocks, which are chosen at run time, ever reach them.
#if defined(SINKWISE_PAIR_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SINKWISE_PAIR_INL_H
#undef SINKWISE_PAIR_INL_H
#else
#define SINKWISE_PAIR_INL_H
#endif

#include <cstring>

#include "cpu/operand.h"
#include "cpu/vector-inl.h"

// Set anew for each instruction set.
#undef SINKWISE_HAS_PAIRS
#define SINKWISE_HAS_PAIRS (HWY_TARGET == HWY_AVX3)

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {

#if SINKWISE_HAS_PAIRS

using U = hn::RebindToUnsigned<F>;
using VectorPair = hn::Vec<U>;

HWY_INLINE VectorPair load(const Pair* from) {
  return {_mm512_loadu_si512(static_cast<const void*>(from))};
}
HWY_INLINE void store(VectorPair pairs, Pair* to) {
  _mm512_storeu_si512(static_cast<void*>(to), pairs.raw);
}
HWY_INLINE VectorPair broadcast(Pair value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return hn::Set(U(), bits);
}

// sum + a.even * b.even + a.odd * b.odd in each lane. Denormals count as zero, in and out.
HWY_INLINE VectorF multiply_add(VectorPair a, VectorPair b, VectorF sum) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
  return sum;
}

// Rounded to nearest, ties to even: low[0], low[1], ... high[0], high[1], ...
HWY_INLINE VectorPair round_neighbours(VectorF low, VectorF high) {
  VectorPair pairs;
  asm("vcvtne2ps2bf16 %1, %2, %0" : "=v"(pairs.raw) : "v"(low.raw), "v"(high.raw));
  return pairs;
}

// Lane by lane: even[0], odd[0], even[1], odd[1], ...
HWY_INLINE VectorPair round_steps(VectorF even, VectorF odd) {
  const VectorPair lanes = hn::Iota(U(), 0);
  const VectorPair order = hn::Or(lanes, hn::ShiftLeft<16>(hn::Add(lanes, hn::Set(U(), kLanes))));
  return {_mm512_permutexvar_epi16(order.raw, round_neighbours(even, odd).raw)};
}

// Rows [steps, kStrip] of float, rounded, as rows [units(steps), kStrip] of pairs ...
inline HWY_NOINLINE void round_steps(const float* from, std::size_t from_stride, std::size_t steps,
                                     Pair* to, std::size_t to_stride) {
  for (std::size_t step = 0; step < steps; step += 2, from += 2 * from_stride, to += to_stride) {
    for (std::size_t lane = 0; lane < kStrip; lane += kLanes) {
      const VectorF odd = step + 1 < steps ? load(from + from_stride + lane) : hn::Zero(F());
      store(round_steps(load(from + lane), odd), to + lane);
    }
  }
}

// ... or as rows [rows, kStrip / 2] in which the steps run along a row.
inline HWY_NOINLINE void round_rows(const float* from, std::size_t from_stride, std::size_t rows,
                                    Pair* to, std::size_t to_stride) {
  for (std::size_t row = 0; row < rows; ++row, from += from_stride, to += to_stride) {
    store(round_neighbours(load(from), load(from + kLanes)), to);
  }
}

#endif

}  // namespace sinkwise::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
