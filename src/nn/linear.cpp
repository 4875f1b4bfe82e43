#include "sinkwise/nn/linear.h"

#include <cmath>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::nn {
namespace {

std::optional<at::Tensor> cast_bias(const at::Tensor& bias, at::ScalarType type) {
  if (!bias.defined()) return std::nullopt;
  return bias.to(type);
}

}  // namespace

Linear::Linear(std::int64_t in, std::int64_t out, bool with_bias) {
  weight = register_parameter("weight", at::zeros({out, in}));
  if (with_bias) bias = register_parameter("bias", at::zeros({out}));
}

at::Tensor Linear::forward(const at::Tensor& x) const {
  const at::ScalarType type = x.scalar_type();
  const at::Tensor y = at::linear(x, weight.to(type), cast_bias(bias, type));
  if (!has_low_rank()) return y;
  return y + at::linear(at::linear(x, lora_a.to(type)), lora_b.to(type)) * lora_scale;
}

void Linear::add_low_rank(std::int64_t rank, double scale, at::Generator generator) {
  if (rank < 1 || has_low_rank()) {
    throw BadArgument({"a correction of low rank cannot be added", "rank",
                       "at least 1, once for a layer", concat(rank), ""});
  }
  const auto out = weight.size(0), in = weight.size(1);
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));
  lora_a = register_parameter(
      "lora_A", at::rand({rank, in}, std::move(generator)).mul_(2.0 * bound).sub_(bound));
  lora_b = register_parameter("lora_B", at::zeros({out, rank}));
  lora_scale = scale;
}

at::Tensor Linear::merged_weight() const {
  torch::NoGradGuard no_grad;
  if (!has_low_rank()) return weight.detach();
  return at::addmm(weight, lora_b, lora_a, 1.0, lora_scale).detach();
}

}  // namespace sinkwise::nn
