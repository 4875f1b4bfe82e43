#include "sinkwise/nn/rotary.h"

#include <cmath>

#include <torch/torch.h>

namespace sinkwise::nn {

RotaryTable RotaryTable::make(std::int64_t length, std::int64_t head_size, double base,
                              at::Device device) {
  // Angles are formed in float64: base^(-2i/D) * position loses digits in float32 at long contexts.
  const auto options = at::dtype(at::kDouble).device(device);
  const at::Tensor exponent = at::arange(0, head_size, 2, options) / static_cast<double>(head_size);
  const at::Tensor frequency = (exponent * -std::log(base)).exp();             // [D / 2]
  const at::Tensor angle = at::outer(at::arange(length, options), frequency);  // [T, D / 2]
  return {angle.cos().to(at::kFloat), angle.sin().to(at::kFloat)};
}

at::Tensor rotate(const at::Tensor& x, const RotaryTable& table) {
  const auto T = x.size(1), half = x.size(3) / 2;
  const at::Tensor cosine = table.cosine.narrow(0, 0, T).to(x.scalar_type()).unsqueeze(1);
  const at::Tensor sine =
      table.sine.narrow(0, 0, T).to(x.scalar_type()).unsqueeze(1);  // [T, 1, D/2]
  const at::Tensor first = x.narrow(-1, 0, half), second = x.narrow(-1, half, half);
  return at::cat({first * cosine - second * sine, second * cosine + first * sine}, -1);
}

}  // namespace sinkwise::nn
