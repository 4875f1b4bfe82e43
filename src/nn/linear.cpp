#include "sinkwise/nn/linear.h"

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
  return at::linear(x, weight.to(x.scalar_type()), cast_bias(bias, x.scalar_type()));
}

}  // namespace sinkwise::nn
