// Between tensors (any strides, float32 or bfloat16, any D) and the float32 blocks that the
// products read. Nothing outside the D elements of a row is read or written.
#if defined(SINKWISE_PACK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SINKWISE_PACK_INL_H
#undef SINKWISE_PACK_INL_H
#else
#define SINKWISE_PACK_INL_H
#endif

#include "cpu/element.h"
#include "cpu/tiling.h"
#include "cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {

// Distance between the rows of a block of that many columns.
inline std::size_t row_stride(std::size_t columns) {
  return static_cast<std::size_t>(padded_stride(static_cast<std::int64_t>(columns)));
}

// --- One vector of elements as float32 and back, for a full vector (F) or four lanes (Quad) ---

using Quad = hn::FixedTag<float, 4>;
using QuadF = hn::Vec<Quad>;

template <class Tag>
HWY_INLINE hn::Vec<Tag> load_elements(Tag tag, const float* from) {
  return hn::LoadU(tag, from);
}

// A bfloat16 is the upper half of a float32.
template <class Tag>
HWY_INLINE hn::Vec<Tag> load_elements(Tag tag, const BFloat16* from) {
  const hn::Rebind<std::uint16_t, Tag> narrow;
  const hn::RebindToUnsigned<Tag> wide;
  const auto bits = hn::LoadU(narrow, &from->bits);
  return hn::BitCast(tag, hn::ShiftLeft<16>(hn::PromoteTo(wide, bits)));
}

template <class Tag>
HWY_INLINE void store_elements(Tag tag, hn::Vec<Tag> vector, float* to) {
  hn::StoreU(vector, tag, to);
}

// Rounds to nearest, ties to even; NaN stays NaN.
template <class Tag>
HWY_INLINE void store_elements(Tag /*tag*/, hn::Vec<Tag> vector, BFloat16* to) {
  const hn::RebindToSigned<Tag> wide;
  const hn::Rebind<std::uint16_t, Tag> narrow;
  const auto bits = hn::BitCast(wide, vector);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(wide, 1));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(wide, 0x7FFF)));
  const auto quiet = hn::Or(bits, hn::Set(wide, 0x400000));
  const auto is_nan = hn::RebindMask(wide, hn::IsNaN(vector));
  const auto chosen = hn::IfThenElse(is_nan, quiet, rounded);
  // Only the low 16 bits of each lane may be set for the saturating demotion to be exact.
  const auto high = hn::And(hn::ShiftRight<16>(chosen), hn::Set(wide, 0xFFFF));
  hn::StoreU(hn::DemoteTo(narrow, high), narrow, &to->bits);
}

// --- Rows as they are: [rows, D] -> [rows, stride] float32, zero from D to `width` ---

// Returns whether every element is finite.
template <class E>
HWY_NOINLINE bool pack_rows(const E* from, std::int64_t from_stride, std::size_t rows,
                            std::size_t D, std::size_t width, float* to, std::size_t stride) {
  const F tag;
  VectorF worst = hn::Zero(tag);  // x * 0 is NaN for NaN and infinities, and sums keep it
  float worst_tail = 0.0F;
  for (std::size_t row = 0; row < rows; ++row, from += from_stride, to += stride) {
    std::size_t d = 0;
    for (; d + kLanes <= D; d += kLanes) {
      const VectorF value = load_elements(tag, from + d);
      worst = hn::MulAdd(value, hn::Zero(tag), worst);
      store(value, to + d);
    }
    for (; d < D; ++d) {
      to[d] = to_float(from[d]);
      worst_tail += to[d] * 0.0F;
    }
    for (; d < width; ++d) to[d] = 0.0F;
  }
  return hn::AllTrue(tag, hn::Eq(worst, hn::Zero(tag))) && worst_tail == 0.0F;
}

// A block of float is the same whichever way the steps of its product run (operand.h).
template <class E>
HWY_INLINE void pack_along_columns(const E* from, std::int64_t from_stride, std::size_t rows,
                                   std::size_t D, float* to, std::size_t stride) {
  pack_rows(from, from_stride, rows, D, D, to, stride);
}
template <class E>
HWY_INLINE bool pack_along_rows(const E* from, std::int64_t from_stride, std::size_t rows,
                                std::size_t D, std::size_t width, float* to, std::size_t stride) {
  return pack_rows(from, from_stride, rows, D, width, to, stride);
}

template <class E>
HWY_NOINLINE bool rows_finite(const E* from, std::int64_t from_stride, std::size_t rows,
                              std::size_t D) {
  const F tag;
  VectorF worst = hn::Zero(tag);
  float worst_tail = 0.0F;
  for (std::size_t row = 0; row < rows; ++row, from += from_stride) {
    std::size_t d = 0;
    for (; d + kLanes <= D; d += kLanes) {
      worst = hn::MulAdd(load_elements(tag, from + d), hn::Zero(tag), worst);
    }
    for (; d < D; ++d) worst_tail += to_float(from[d]) * 0.0F;
  }
  return hn::AllTrue(tag, hn::Eq(worst, hn::Zero(tag))) && worst_tail == 0.0F;
}

// --- Rows turned into lanes: [rows <= kStrip, D] -> [D, kStrip] and back ---

struct QuadSquare {
  QuadF line0, line1, line2, line3;
};

HWY_INLINE QuadSquare transpose(const QuadSquare& square) {
  const Quad tag;
  const QuadF even_low = hn::InterleaveLower(tag, square.line0, square.line2);
  const QuadF even_high = hn::InterleaveUpper(tag, square.line0, square.line2);
  const QuadF odd_low = hn::InterleaveLower(tag, square.line1, square.line3);
  const QuadF odd_high = hn::InterleaveUpper(tag, square.line1, square.line3);
  return {hn::InterleaveLower(tag, even_low, odd_low), hn::InterleaveUpper(tag, even_low, odd_low),
          hn::InterleaveLower(tag, even_high, odd_high),
          hn::InterleaveUpper(tag, even_high, odd_high)};
}

// to[d][row] = factor * from[row][d]; lanes past `rows` are zero.
template <class E>
HWY_NOINLINE void pack_transposed(const E* from, std::int64_t from_stride, std::size_t rows,
                                  std::size_t D, float factor, float* to) {
  const Quad tag;
  const QuadF scale = hn::Set(tag, factor);
  const std::size_t whole_rows = rows / 4 * 4, whole_d = D / 4 * 4;
  for (std::size_t row = 0; row < whole_rows; row += 4) {
    const E* source = from + static_cast<std::int64_t>(row) * from_stride;
    for (std::size_t d = 0; d < whole_d; d += 4) {
      const QuadSquare lanes =
          transpose({load_elements(tag, source + d), load_elements(tag, source + d + from_stride),
                     load_elements(tag, source + d + 2 * from_stride),
                     load_elements(tag, source + d + 3 * from_stride)});
      float* target = to + d * kStrip + row;
      hn::StoreU(hn::Mul(lanes.line0, scale), tag, target);
      hn::StoreU(hn::Mul(lanes.line1, scale), tag, target + kStrip);
      hn::StoreU(hn::Mul(lanes.line2, scale), tag, target + 2 * kStrip);
      hn::StoreU(hn::Mul(lanes.line3, scale), tag, target + 3 * kStrip);
    }
  }
  for (std::size_t row = 0; row < kStrip; ++row) {
    const std::size_t done = row < whole_rows ? whole_d : 0;
    const E* source = from + static_cast<std::int64_t>(row) * from_stride;
    for (std::size_t d = done; d < D; ++d) {
      to[d * kStrip + row] = row < rows ? to_float(source[d]) * factor : 0.0F;
    }
  }
}

// to[row][d] = factor[row] * from[d][row]
template <class E>
HWY_NOINLINE void unpack_transposed(const float* from, const float* factor, std::size_t rows,
                                    std::size_t D, E* to, std::int64_t to_stride) {
  const Quad tag;
  const std::size_t whole_rows = rows / 4 * 4, whole_d = D / 4 * 4;
  for (std::size_t row = 0; row < whole_rows; row += 4) {
    const QuadF scale = hn::LoadU(tag, factor + row);
    E* target = to + static_cast<std::int64_t>(row) * to_stride;
    for (std::size_t d = 0; d < whole_d; d += 4) {
      const float* source = from + d * kStrip + row;
      const QuadSquare lines = transpose({hn::Mul(hn::LoadU(tag, source), scale),
                                          hn::Mul(hn::LoadU(tag, source + kStrip), scale),
                                          hn::Mul(hn::LoadU(tag, source + 2 * kStrip), scale),
                                          hn::Mul(hn::LoadU(tag, source + 3 * kStrip), scale)});
      store_elements(tag, lines.line0, target + d);
      store_elements(tag, lines.line1, target + d + to_stride);
      store_elements(tag, lines.line2, target + d + 2 * to_stride);
      store_elements(tag, lines.line3, target + d + 3 * to_stride);
    }
  }
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t done = row < whole_rows ? whole_d : 0;
    E* target = to + static_cast<std::int64_t>(row) * to_stride;
    for (std::size_t d = done; d < D; ++d) {
      target[d] = from_float<E>(from[d * kStrip + row] * factor[row]);
    }
  }
}

// --- Sums of float32 out to a tensor: [rows, stride] -> [rows, D], times a factor ---

template <class E>
HWY_NOINLINE void unpack_rows(const float* from, std::size_t stride, std::size_t rows,
                              std::size_t D, float factor, E* to, std::int64_t to_stride) {
  const F tag;
  const VectorF scale = broadcast(factor);
  for (std::size_t row = 0; row < rows; ++row, from += stride, to += to_stride) {
    std::size_t d = 0;
    for (; d + kLanes <= D; d += kLanes) {
      store_elements(tag, hn::Mul(load(from + d), scale), to + d);
    }
    for (; d < D; ++d) to[d] = from_float<E>(from[d] * factor);
  }
}

}  // namespace sinkwise::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
