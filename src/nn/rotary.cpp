#include "sinkwise/nn/rotary.h"

#include <cmath>

#include <torch/torch.h>

namespace sinkwise::nn {

// Angles are formed in float64: base^(-2i / R) * position loses digits in float32 at long contexts.
at::Tensor rotary_frequencies(std::int64_t rotary_size, double base) {
  const at::Tensor exponent =
      at::arange(0, rotary_size, 2, at::kDouble) / static_cast<double>(rotary_size);
  return (exponent * -std::log(base)).exp();
}

RotaryTable RotaryTable::make(std::int64_t length, const at::Tensor& frequency, double scale) {
  const at::Tensor angle = at::outer(at::arange(length, at::kDouble), frequency);  // [T, R / 2]
  return {(angle.cos() * scale).to(at::kFloat), (angle.sin() * scale).to(at::kFloat)};
}

RotaryTable RotaryTable::make(std::int64_t length, std::int64_t rotary_size, double base) {
  return make(length, rotary_frequencies(rotary_size, base));
}

at::Tensor rotate(const at::Tensor& x, const RotaryTable& table, std::int64_t from) {
  const auto T = x.size(1), D = x.size(3), half = table.cosine.size(1), rest = D - 2 * half;
  const at::Tensor cosine = table.cosine.narrow(0, from, T).to(x.scalar_type()).unsqueeze(1);
  const at::Tensor sine = table.sine.narrow(0, from, T).to(x.scalar_type()).unsqueeze(1);
  const at::Tensor first = x.narrow(-1, 0, half), second = x.narrow(-1, half, half);
  std::vector<at::Tensor> parts{first * cosine - second * sine, second * cosine + first * sine};
  if (rest > 0) parts.push_back(x.narrow(-1, 2 * half, rest));
  return at::cat(parts, -1);
}

}  // namespace sinkwise::nn
