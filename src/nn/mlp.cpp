#include "sinkwise/nn/mlp.h"

namespace sinkwise::nn {

Mlp::Mlp(MlpKind kind, std::int64_t width, std::int64_t hidden) {
  if (kind == MlpKind::swiglu) {
    gate_ = register_module("gate_proj", std::make_shared<Linear>(width, hidden));
  }
  up_ = register_module("up_proj", std::make_shared<Linear>(width, hidden));
  down_ = register_module("down_proj", std::make_shared<Linear>(hidden, width));
}

at::Tensor Mlp::forward(const at::Tensor& x) const {
  if (gate_) return down_->forward(at::silu(gate_->forward(x)) * up_->forward(x));
  return down_->forward(at::gelu(up_->forward(x)));
}

}  // namespace sinkwise::nn
