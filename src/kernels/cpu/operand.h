#pragma once

#include <cstddef>

#include "cpu/element.h"

namespace sinkwise::kernels {

// What the blocks that products read are made of. One element is
//   float  one step of the contraction
//   Pair   two neighbouring steps in bfloat16, as the dot products of AVX512_BF16 take them; where
//          the number of steps is odd, the last partner is zero
// so a block of a given width needs a row for each unit, and never more than a float block does.
struct Pair {
  BFloat16 even, odd;
};

template <class X>
inline constexpr std::size_t kSteps = 1;
template <>
inline constexpr std::size_t kSteps<Pair> = 2;

// Elements that hold `steps` steps.
template <class X>
constexpr std::size_t units(std::size_t steps) {
  return (steps + kSteps<X> - 1) / kSteps<X>;
}

// The last step up to and the first from `step` at which an element begins; step >= 0.
template <class X>
constexpr std::int32_t last_whole(std::int32_t step) {
  return step - step % static_cast<std::int32_t>(kSteps<X>);
}
template <class X>
constexpr std::int32_t first_whole(std::int32_t step) {
  return last_whole<X>(step + static_cast<std::int32_t>(kSteps<X>) - 1);
}

// Step `step` of a column of a block [units, stride].
inline float step_of(const float* block, std::size_t stride, std::size_t step, std::size_t column) {
  return block[step * stride + column];
}
inline float step_of(const Pair* block, std::size_t stride, std::size_t step, std::size_t column) {
  const Pair& pair = block[step / 2 * stride + column];
  return to_float(step % 2 == 0 ? pair.even : pair.odd);
}

}  // namespace sinkwise::kernels
