#pragma once

#include <ATen/core/Tensor.h>

namespace sinkwise::nn {

// Rotary position embedding (arXiv 2104.09864) with half-split pairs (i, i + D/2), the layout of
// Llama checkpoints. Angles: position / base^(2i / D).
struct RotaryTable {
  at::Tensor cosine, sine;  // [T, D / 2] float32

  static RotaryTable make(std::int64_t length, std::int64_t head_size, double base,
                          at::Device device = at::kCPU);
};

// Rotates x [B, T, H, D] by the positions 0 .. T - 1 of the table.
at::Tensor rotate(const at::Tensor& x, const RotaryTable& table);

}  // namespace sinkwise::nn
