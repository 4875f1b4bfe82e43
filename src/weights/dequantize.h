#pragma once

#include <cstddef>
#include <span>

namespace sinkwise::weights {

// One function a block type of ggml. `blocks` are whole blocks, `out` has as many elements as they
// hold; both are the caller's promise. In the formulas, element i of a block is y[i], a nibble n is
// four bits, and every product and sum is rounded to float32 by itself.

void dequantize_q4_0(std::span<const std::byte> blocks, std::span<float> out);
void dequantize_q4_1(std::span<const std::byte> blocks, std::span<float> out);
void dequantize_q5_0(std::span<const std::byte> blocks, std::span<float> out);
void dequantize_q5_1(std::span<const std::byte> blocks, std::span<float> out);
void dequantize_q8_0(std::span<const std::byte> blocks, std::span<float> out);

void dequantize_q4_k(std::span<const std::byte> blocks, std::span<float> out);
void dequantize_q5_k(std::span<const std::byte> blocks, std::span<float> out);
void dequantize_q6_k(std::span<const std::byte> blocks, std::span<float> out);

void dequantize_mxfp4(std::span<const std::byte> blocks, std::span<float> out);

}  // namespace sinkwise::weights
