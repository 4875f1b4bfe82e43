#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace sinkwise::kernels {

// The bits of a bfloat16: the upper half of a float32.
struct BFloat16 {
  std::uint16_t bits;
};

inline float to_float(float value) { return value; }

inline float to_float(BFloat16 value) {
  const std::uint32_t wide = static_cast<std::uint32_t>(value.bits) << 16;
  float result;
  std::memcpy(&result, &wide, sizeof result);
  return result;
}

template <class E>
E from_float(float value);

template <>
inline float from_float<float>(float value) {
  return value;
}

// Rounds to nearest, ties to even; NaN stays NaN.
template <>
inline BFloat16 from_float<BFloat16>(float value) {
  std::uint32_t wide;
  std::memcpy(&wide, &value, sizeof wide);
  if (std::isnan(value)) return {static_cast<std::uint16_t>((wide | 0x400000U) >> 16)};
  return {static_cast<std::uint16_t>((wide + 0x7FFFU + ((wide >> 16) & 1U)) >> 16)};
}

}  // namespace sinkwise::kernels
