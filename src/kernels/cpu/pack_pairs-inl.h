// Between bfloat16 tensors and blocks of Pair. Bits are moved and never computed with, so nothing
// is rounded and NaN stays as it is.
#if defined(SINKWISE_PACK_PAIRS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SINKWISE_PACK_PAIRS_INL_H
#undef SINKWISE_PACK_PAIRS_INL_H
#else
#define SINKWISE_PACK_PAIRS_INL_H
#endif

#include <algorithm>

#include "cpu/pack-inl.h"
#include "cpu/pair-inl.h"
#include "cpu/tiling.h"

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {

#if SINKWISE_HAS_PAIRS

// [rows, D] -> [rows, units(D)]
inline HWY_NOINLINE void pack_along_columns(const BFloat16* from, std::int64_t from_stride,
                                            std::size_t rows, std::size_t D, Pair* to,
                                            std::size_t stride) {
  for (std::size_t row = 0; row < rows; ++row, from += from_stride, to += stride) {
    std::memcpy(to, from, D / 2 * sizeof(Pair));
    if (D % 2 == 1) to[D / 2] = {from[D - 1], {0}};
  }
}

// Two rows side by side, zero from D to `width`. Returns whether every element is finite.
HWY_INLINE bool pack_two_rows(const BFloat16* even, const BFloat16* odd, std::size_t D,
                              std::size_t width, Pair* to) {
  const hn::Rebind<std::uint16_t, U> narrow;
  VectorF worst = hn::Zero(F());
  std::size_t d = 0;
  for (; d + kLanes <= D; d += kLanes) {
    const VectorPair low = hn::PromoteTo(U(), hn::LoadU(narrow, &even[d].bits));
    const VectorPair high = hn::ShiftLeft<16>(hn::PromoteTo(U(), hn::LoadU(narrow, &odd[d].bits)));
    worst = hn::MulAdd(hn::BitCast(F(), hn::ShiftLeft<16>(low)), hn::Zero(F()), worst);
    worst = hn::MulAdd(hn::BitCast(F(), high), hn::Zero(F()), worst);
    store(hn::Or(low, high), to + d);
  }
  float worst_tail = 0.0F;
  for (; d < D; ++d) {
    to[d] = {even[d], odd[d]};
    worst_tail += to_float(even[d]) * 0.0F + to_float(odd[d]) * 0.0F;
  }
  std::fill(to + d, to + std::max(d, width), Pair{});
  return hn::AllTrue(F(), hn::Eq(worst, hn::Zero(F()))) && worst_tail == 0.0F;
}

// [rows, D] -> [units(rows), stride]; the last row of an odd number is paired with zeros. Returns
// whether every element is finite.
inline HWY_NOINLINE bool pack_along_rows(const BFloat16* from, std::int64_t from_stride,
                                         std::size_t rows, std::size_t D, std::size_t width,
                                         Pair* to, std::size_t stride) {
  static constexpr BFloat16 kZeros[kLargestHead] = {};
  bool finite = true;
  for (std::size_t row = 0; row < rows; row += 2, from += 2 * from_stride, to += stride) {
    const BFloat16* odd = row + 1 < rows ? from + from_stride : kZeros;
    finite = pack_two_rows(from, odd, D, width, to) && finite;
  }
  return finite;
}

HWY_INLINE QuadF load_quad(const BFloat16* from) {
  return hn::BitCast(Quad(), hn::LoadU(hn::FixedTag<std::uint16_t, 8>(), &from->bits));
}

// [rows <= kStrip, D] -> [units(D), kStrip]; lanes past `rows` are zero.
inline HWY_NOINLINE void pack_transposed(const BFloat16* from, std::int64_t from_stride,
                                         std::size_t rows, std::size_t D, Pair* to) {
  const hn::FixedTag<std::uint16_t, 8> bits;
  const auto put = [&](QuadF line, Pair* target) {
    hn::StoreU(hn::BitCast(bits, line), bits, &target->even.bits);
  };
  const std::size_t whole_rows = rows / 4 * 4, whole_units = D / 8 * 4;
  for (std::size_t row = 0; row < whole_rows; row += 4) {
    const BFloat16* source = from + static_cast<std::int64_t>(row) * from_stride;
    for (std::size_t unit = 0; unit < whole_units; unit += 4, source += 8) {
      const QuadSquare lanes =
          transpose({load_quad(source), load_quad(source + from_stride),
                     load_quad(source + 2 * from_stride), load_quad(source + 3 * from_stride)});
      Pair* target = to + unit * kStrip + row;
      put(lanes.line0, target);
      put(lanes.line1, target + kStrip);
      put(lanes.line2, target + 2 * kStrip);
      put(lanes.line3, target + 3 * kStrip);
    }
  }
  for (std::size_t row = 0; row < kStrip; ++row) {
    const std::size_t done = row < whole_rows ? whole_units : 0;
    const BFloat16* source = from + static_cast<std::int64_t>(row) * from_stride;
    for (std::size_t unit = done; unit < units<Pair>(D); ++unit) {
      Pair& pair = to[unit * kStrip + row];
      pair = {};
      if (row >= rows) continue;
      pair.even = source[2 * unit];
      if (2 * unit + 1 < D) pair.odd = source[2 * unit + 1];
    }
  }
}

#endif

}  // namespace sinkwise::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
