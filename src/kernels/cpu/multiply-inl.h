// The register tile behind all five matrix products of attention:
//   C[row][column] (+)= sum_k A(row, k) * B[k][column]
// A is read one element at a time and broadcast, B and C in vectors along columns. Elements of A
// and B are float or Pair (operand.h); C is float32.
#if defined(SINKWISE_MULTIPLY_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SINKWISE_MULTIPLY_INL_H
#undef SINKWISE_MULTIPLY_INL_H
#else
#define SINKWISE_MULTIPLY_INL_H
#endif

#include <utility>

#include "cpu/pair-inl.h"
#include "cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {

// How A(row, k) lies in memory; the distance in the other direction is `stride`.
enum class Adjacent {
  steps,  // A(row, k) = data[row * stride + k]
  rows,   // A(row, k) = data[k * stride + row]
};
// What the sum starts from.
enum class Start {
  zero,
  zero_scaled,      // zero, and the finished sum is multiplied by *factor
  target,           // C
  rescaled_target,  // C times one factor a column
};

template <class X>
struct Left {
  const X* data;
  std::size_t stride;
};
template <class X>
struct Right {
  const X* data;
  std::size_t stride;  // from B[k] to B[k + 1]
};
struct Target {
  float* data;
  std::size_t stride;  // from C[row] to C[row + 1]
};

template <Adjacent kAdjacent, class X>
HWY_INLINE X element(const Left<X>& a, std::size_t row, std::size_t k) {
  return kAdjacent == Adjacent::steps ? a.data[row * a.stride + k] : a.data[k * a.stride + row];
}

template <class X, class V>
HWY_INLINE void add_product(X a, V b0, V b1, VectorF& sum0, VectorF& sum1) {
  const V value = broadcast(a);
  sum0 = multiply_add(value, b0, sum0);
  sum1 = multiply_add(value, b1, sum1);
}

// One tile of sizeof...(R) rows by kVectors vectors over `steps` values of k. The fold expressions
// give every accumulator a constant index, which is what keeps them all in registers.
template <class X, Adjacent kAdjacent, Start kStart, std::size_t kVectors, std::size_t... R>
HWY_INLINE void multiply_tile(std::index_sequence<R...>, Left<X> a, Right<X> b, std::size_t steps,
                              Target c, const float* factor) {
  static_assert(kVectors == 1 || kVectors == 2);
  VectorF sum0[sizeof...(R)], sum1[sizeof...(R)];
  if constexpr (kStart == Start::zero || kStart == Start::zero_scaled) {
    ((sum0[R] = hn::Zero(F()), sum1[R] = hn::Zero(F())), ...);
  } else {
    ((sum0[R] = load(c.data + R * c.stride)), ...);
    if constexpr (kVectors == 2) ((sum1[R] = load(c.data + R * c.stride + kLanes)), ...);
  }
  if constexpr (kStart == Start::rescaled_target) {
    const VectorF factor0 = load(factor);
    ((sum0[R] = hn::Mul(sum0[R], factor0)), ...);
    if constexpr (kVectors == 2) {
      const VectorF factor1 = load(factor + kLanes);
      ((sum1[R] = hn::Mul(sum1[R], factor1)), ...);
    }
  }
  for (std::size_t k = 0; k < steps; ++k) {
    const auto b0 = load(b.data + k * b.stride);
    if constexpr (kVectors == 2) {
      const auto b1 = load(b.data + k * b.stride + kLanes);
      (add_product(element<kAdjacent>(a, R, k), b0, b1, sum0[R], sum1[R]), ...);
    } else {
      ((sum0[R] = multiply_add(broadcast(element<kAdjacent>(a, R, k)), b0, sum0[R])), ...);
    }
  }
  if constexpr (kStart == Start::zero_scaled) {
    const VectorF scale = broadcast(*factor);
    ((sum0[R] = hn::Mul(sum0[R], scale)), ...);
    if constexpr (kVectors == 2) ((sum1[R] = hn::Mul(sum1[R], scale)), ...);
  }
  (store(sum0[R], c.data + R * c.stride), ...);
  if constexpr (kVectors == 2) (store(sum1[R], c.data + R * c.stride + kLanes), ...);
}

template <class X, Adjacent kAdjacent, Start kStart, std::size_t kVectors, std::size_t kTileRows>
HWY_INLINE void multiply_some(std::size_t& done, Left<X> a, Right<X> b, std::size_t steps, Target c,
                              const float* factor) {
  a.data += done * (kAdjacent == Adjacent::steps ? a.stride : 1);
  c.data += done * c.stride;
  multiply_tile<X, kAdjacent, kStart, kVectors>(std::make_index_sequence<kTileRows>(), a, b, steps,
                                                c, factor);
  done += kTileRows;
}

// One strip of kVectors vectors and any number of rows: full tiles, then what is left in powers of
// two. `steps` counts elements of A and B.
template <class X, Adjacent kAdjacent, Start kStart, std::size_t kVectors = 2>
HWY_NOINLINE void multiply_strip(std::size_t rows, Left<X> a, Right<X> b, std::size_t steps,
                                 Target c, const float* factor = nullptr) {
  std::size_t done = 0;
  while (rows - done >= kRows) {
    multiply_some<X, kAdjacent, kStart, kVectors, kRows>(done, a, b, steps, c, factor);
  }
  if constexpr (kRows > 8) {
    if (rows - done >= 8) {
      multiply_some<X, kAdjacent, kStart, kVectors, 8>(done, a, b, steps, c, factor);
    }
  }
  if (rows - done >= 4) {
    multiply_some<X, kAdjacent, kStart, kVectors, 4>(done, a, b, steps, c, factor);
  }
  if (rows - done >= 2) {
    multiply_some<X, kAdjacent, kStart, kVectors, 2>(done, a, b, steps, c, factor);
  }
  if (rows - done >= 1) {
    multiply_some<X, kAdjacent, kStart, kVectors, 1>(done, a, b, steps, c, factor);
  }
}

}  // namespace sinkwise::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
