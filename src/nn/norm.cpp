#include "sinkwise/nn/norm.h"

namespace sinkwise::nn {

Norm::Norm(std::int64_t size, NormKind kind, double epsilon) : epsilon_(epsilon) {
  weight = register_parameter("weight", at::ones({size}));
  if (kind == NormKind::layer) bias = register_parameter("bias", at::zeros({size}));
}

at::Tensor Norm::forward(const at::Tensor& x) const {
  const at::Tensor scale = weight.to(x.scalar_type());
  if (!bias.defined()) return at::rms_norm(x, weight.sizes(), scale, epsilon_);
  return at::layer_norm(x, weight.sizes(), scale, bias.to(x.scalar_type()), epsilon_);
}

}  // namespace sinkwise::nn
