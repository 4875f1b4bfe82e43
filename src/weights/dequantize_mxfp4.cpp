// MXFP4 of the OCP Microscaling specification as ggml lays it out: 32 numbers of four bits (E2M1)
// under one power of two.
#include <array>

#include "dequantize.h"
#include "scalars.h"

namespace sinkwise::weights {
namespace {

// Twice the values of E2M1, so that they are integers; the scale is halved in turn.
constexpr std::array<float, 16> kTwice = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// 2^(byte - 128): subnormal for 0 and 1. Unlike the specification, 255 is no NaN: ggml has none.
float half_of_scale(std::uint8_t byte) {
  return std::bit_cast<float>(byte < 2 ? 0x00200000u << byte : (byte - 1u) << 23);
}

}  // namespace

// The scale e, 16 bytes of nibbles n, the low ones first; y[i] = 2^(e - 128) kTwice[n[i]]
void dequantize_mxfp4(std::span<const std::byte> blocks, std::span<float> out) {
  constexpr std::size_t kBytes = 17, kHalf = 16;
  float* y = out.data();
  for (std::size_t at = 0; at < blocks.size(); at += kBytes, y += 2 * kHalf) {
    const std::byte* block = blocks.data() + at;
    const float scale = half_of_scale(std::to_integer<std::uint8_t>(block[0]));
    for (std::size_t i = 0; i < kHalf; ++i) {
      const auto byte = std::to_integer<std::size_t>(block[1 + i]);
      y[i] = scale * kTwice[byte & 15];
      y[kHalf + i] = scale * kTwice[byte >> 4];
    }
  }
}

}  // namespace sinkwise::weights
