#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

namespace sinkwise::weights {

static_assert(std::endian::native == std::endian::little, "files are read as they lie in memory");

// One number at any address; files guarantee no alignment.
template <typename Number>
Number load(const std::byte* at) {
  Number number;
  std::memcpy(&number, at, sizeof number);
  return number;
}

// Small floats to float32, exact. Written with integers and one subtraction of normal numbers, so
// that loops vectorise and a flush-to-zero mode of the processor changes nothing.

// sign 1, exponent 5 (bias 15), fraction 10
inline float float_of_half(std::uint16_t bits) {
  constexpr std::uint32_t kExponent = 0x7C00u << 13;
  constexpr std::uint32_t kOne = (127u - 14u) << 23;  // the smallest normal half
  const std::uint32_t narrow = (bits & 0x7FFFu) << 13;
  const std::uint32_t exponent = narrow & kExponent;
  const std::uint32_t special = exponent == kExponent ? (128u - 16u) << 23 : 0;  // infinity, NaN
  const std::uint32_t normal = narrow + ((127u - 15u) << 23) + special;
  // A subnormal is lent the leading one, which is then taken away again.
  const float lent = std::bit_cast<float>(narrow + kOne) - std::bit_cast<float>(kOne);
  const std::uint32_t wide = exponent == 0 ? std::bit_cast<std::uint32_t>(lent) : normal;
  return std::bit_cast<float>(wide | (bits & 0x8000u) << 16);
}

// The upper half of a float32.
inline float float_of_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// sign 1, exponent 5 (bias 15), fraction 2: the upper half of a half
inline float float_of_f8_e5m2(std::uint8_t bits) {
  return float_of_half(static_cast<std::uint16_t>(bits << 8));
}

// sign 1, exponent 4 (bias 7), fraction 3; no infinities, all ones is NaN
inline float float_of_f8_e4m3(std::uint8_t bits) {
  if ((bits & 0x7Fu) == 0x7Fu) return std::numeric_limits<float>::quiet_NaN();
  // As a half it is 2^8 too small, the difference of the biases.
  const auto half = static_cast<std::uint16_t>((bits & 0x80u) << 8 | (bits & 0x7Fu) << 7);
  return float_of_half(half) * 256.0f;
}

// 2^(byte - 127): an exponent of float32, but for the smallest, which is subnormal there.
inline float float_of_f8_e8m0(std::uint8_t bits) {
  if (bits == 0xFFu) return std::numeric_limits<float>::quiet_NaN();
  return std::bit_cast<float>(bits == 0 ? 0x00400000u : static_cast<std::uint32_t>(bits) << 23);
}

}  // namespace sinkwise::weights
