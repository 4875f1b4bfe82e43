// The K types: super-blocks of 256 whose parts have small integer scales under one or two halves.
#include "dequantize.h"
#include "scalars.h"

namespace sinkwise::weights {
namespace {

constexpr std::size_t kElements = 256;
constexpr std::size_t kPart = 32;          // elements that share a scale in Q4_K and Q5_K
constexpr std::size_t kPackedScales = 12;  // bytes of the eight scales and minima there

float half_at(const std::byte* at) { return float_of_half(load<std::uint16_t>(at)); }

int byte_at(const std::byte* at) { return std::to_integer<int>(*at); }

struct ScaleAndMinimum {
  float scale;
  float minimum;
};

// Scale and minimum of part j of 8, six bits each in 12 bytes b: for j < 4 the low six bits of b[j]
// and b[j + 4]; for j >= 4 the nibbles of b[j + 4], under the two top bits of b[j - 4] and b[j].
ScaleAndMinimum scale_of_part(const std::byte* b, std::size_t j) {
  if (j < 4) {
    return {static_cast<float>(byte_at(b + j) & 63), static_cast<float>(byte_at(b + j + 4) & 63)};
  }
  const int low = byte_at(b + j + 4);
  return {static_cast<float>((low & 15) | (byte_at(b + j - 4) >> 6) << 4),
          static_cast<float>((low >> 4) | (byte_at(b + j) >> 6) << 4)};
}

// Part j of the nibbles: parts 2k and 2k + 1 are the low and the high nibbles of 32 bytes.
int nibble(const std::byte* bytes, std::size_t j, std::size_t i) {
  const int byte = byte_at(bytes + j / 2 * kPart + i);
  return j % 2 == 0 ? byte & 15 : byte >> 4;
}

}  // namespace

// d, dmin, 12 bytes of scales s and minima m of 8 parts, 128 bytes of nibbles;
// y[32 j + i] = (d s[j]) n[32 j + i] - (dmin m[j])
void dequantize_q4_k(std::span<const std::byte> blocks, std::span<float> out) {
  constexpr std::size_t kBytes = 144;
  float* y = out.data();
  for (std::size_t at = 0; at < blocks.size(); at += kBytes) {
    const std::byte* block = blocks.data() + at;
    const float d = half_at(block), dmin = half_at(block + 2);
    for (std::size_t j = 0; j < kElements / kPart; ++j) {
      const auto [s, m] = scale_of_part(block + 4, j);
      const float scale = d * s, minimum = dmin * m;
      for (std::size_t i = 0; i < kPart; ++i) {
        *y++ = scale * static_cast<float>(nibble(block + 4 + kPackedScales, j, i)) - minimum;
      }
    }
  }
}

// As Q4_K with 32 bytes of fifth bits h before the nibbles: bit j of byte i belongs to 32 j + i;
// y[32 j + i] = (d s[j]) (16 h + n) - (dmin m[j])
void dequantize_q5_k(std::span<const std::byte> blocks, std::span<float> out) {
  constexpr std::size_t kBytes = 176;
  float* y = out.data();
  for (std::size_t at = 0; at < blocks.size(); at += kBytes) {
    const std::byte* block = blocks.data() + at;
    const std::byte* fifth = block + 4 + kPackedScales;
    const float d = half_at(block), dmin = half_at(block + 2);
    for (std::size_t j = 0; j < kElements / kPart; ++j) {
      const auto [s, m] = scale_of_part(block + 4, j);
      const float scale = d * s, minimum = dmin * m;
      for (std::size_t i = 0; i < kPart; ++i) {
        const int high = (byte_at(fifth + i) >> j & 1) << 4;
        *y++ = scale * static_cast<float>(high | nibble(fifth + kPart, j, i)) - minimum;
      }
    }
  }
}

// 128 bytes of nibbles n, 64 bytes of two upper bits h, 16 signed bytes of scales s, d. Each half
// of 128 elements has 64 bytes of n and 32 of h; its part p of 4 takes the low (p < 2) or high
// nibbles of the 32 bytes p % 2, and bits 2 p of its bytes of h; y[i] = (d s[i / 16]) (16 h + n -
// 32)
void dequantize_q6_k(std::span<const std::byte> blocks, std::span<float> out) {
  constexpr std::size_t kBytes = 210, kScaled = 16;
  float* y = out.data();
  for (std::size_t at = 0; at < blocks.size(); at += kBytes) {
    const std::byte* block = blocks.data() + at;
    const float d = half_at(block + 208);
    for (std::size_t j = 0; j < kElements / kScaled; ++j) {
      const std::size_t half = j / 8, part = j % 8 / 2, column = j % 2 * kScaled;
      const std::byte* low = block + half * 64 + part % 2 * kPart + column;
      const std::byte* high = block + 128 + half * kPart + column;
      const float scale = d * static_cast<float>(load<std::int8_t>(block + 192 + j));
      for (std::size_t i = 0; i < kScaled; ++i) {
        const int nibble = byte_at(low + i) >> (part < 2 ? 0 : 4) & 15;
        const int q = nibble | (byte_at(high + i) >> (2 * part) & 3) << 4;
        *y++ = scale * static_cast<float>(q - 32);
      }
    }
  }
}

}  // namespace sinkwise::weights
