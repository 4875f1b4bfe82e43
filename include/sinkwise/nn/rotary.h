#pragma once

#include <ATen/core/Tensor.h>

namespace sinkwise::nn {

// Rotary position embedding (arXiv 2104.09864) with half-split pairs (i, i + R/2), the layout of
// Llama checkpoints. R, even, is how many of the D channels turn: all of them, or the first R.
struct RotaryTable {
  at::Tensor cosine, sine;  // [T, R / 2] float32

  // frequency [R / 2] float64, in radians a position. Cosine and sine carry `scale` (YaRN).
  static RotaryTable make(std::int64_t length, const at::Tensor& frequency, double scale = 1.0);
  // The usual frequencies of `rotary_size` channels: base^(-2i / R).
  static RotaryTable make(std::int64_t length, std::int64_t rotary_size, double base);
};

// [R / 2] float64: base^(-2i / R).
at::Tensor rotary_frequencies(std::int64_t rotary_size, double base);

// Rotates x [B, T, H, D] by the positions `from` .. from + T - 1 of the table.
at::Tensor rotate(const at::Tensor& x, const RotaryTable& table, std::int64_t from = 0);

}  // namespace sinkwise::nn
