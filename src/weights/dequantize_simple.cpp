// Blocks of 32 with one scale d, and a minimum m in the types that end in _1; d and m are halves.
#include "dequantize.h"
#include "scalars.h"

namespace sinkwise::weights {
namespace {

constexpr std::size_t kElements = 32;
constexpr std::size_t kHalf = kElements / 2;

float half_at(const std::byte* at) { return float_of_half(load<std::uint16_t>(at)); }

// Fills a block from 16 bytes of nibbles: y[i] = value(n[i], i). The low nibbles come first.
template <typename Value>
void fill(const std::byte* nibbles, float* y, Value value) {
  for (std::size_t i = 0; i < kHalf; ++i) {
    const auto byte = std::to_integer<std::uint32_t>(nibbles[i]);
    y[i] = value(byte & 15, i);
    y[kHalf + i] = value(byte >> 4, kHalf + i);
  }
}

float signed_float(std::uint32_t number, int offset) {
  return static_cast<float>(static_cast<int>(number) - offset);
}

// The fifth bit of element i, from 32 of them.
std::uint32_t fifth_bit(std::uint32_t bits, std::size_t i) { return (bits >> i & 1) << 4; }

template <std::size_t kBytes, typename Block>
void each_block(std::span<const std::byte> blocks, std::span<float> out, Block block) {
  for (std::size_t b = 0; b * kBytes < blocks.size(); ++b) {
    block(blocks.data() + b * kBytes, out.data() + b * kElements);
  }
}

}  // namespace

// d, 16 bytes of nibbles n; y[i] = d (n[i] - 8)
void dequantize_q4_0(std::span<const std::byte> blocks, std::span<float> out) {
  each_block<18>(blocks, out, [](const std::byte* block, float* y) {
    const float d = half_at(block);
    fill(block + 2, y, [&](std::uint32_t n, std::size_t) { return d * signed_float(n, 8); });
  });
}

// d, m, 16 bytes of nibbles n; y[i] = d n[i] + m
void dequantize_q4_1(std::span<const std::byte> blocks, std::span<float> out) {
  each_block<20>(blocks, out, [](const std::byte* block, float* y) {
    const float d = half_at(block), m = half_at(block + 2);
    fill(block + 4, y, [&](std::uint32_t n, std::size_t) { return d * signed_float(n, 0) + m; });
  });
}

// d, 32 fifth bits h, 16 bytes of nibbles n; y[i] = d (16 h[i] + n[i] - 16)
void dequantize_q5_0(std::span<const std::byte> blocks, std::span<float> out) {
  each_block<22>(blocks, out, [](const std::byte* block, float* y) {
    const float d = half_at(block);
    const auto fifth = load<std::uint32_t>(block + 2);
    fill(block + 6, y, [&](std::uint32_t n, std::size_t i) {
      return d * signed_float(n | fifth_bit(fifth, i), 16);
    });
  });
}

// d, m, 32 fifth bits h, 16 bytes of nibbles n; y[i] = d (16 h[i] + n[i]) + m
void dequantize_q5_1(std::span<const std::byte> blocks, std::span<float> out) {
  each_block<24>(blocks, out, [](const std::byte* block, float* y) {
    const float d = half_at(block), m = half_at(block + 2);
    const auto fifth = load<std::uint32_t>(block + 4);
    fill(block + 8, y, [&](std::uint32_t n, std::size_t i) {
      return d * signed_float(n | fifth_bit(fifth, i), 0) + m;
    });
  });
}

// d, 32 signed bytes q; y[i] = d q[i]
void dequantize_q8_0(std::span<const std::byte> blocks, std::span<float> out) {
  each_block<34>(blocks, out, [](const std::byte* block, float* y) {
    const float d = half_at(block);
    for (std::size_t i = 0; i < kElements; ++i) {
      y[i] = d * static_cast<float>(load<std::int8_t>(block + 2 + i));
    }
  });
}

}  // namespace sinkwise::weights
