#include "sinkwise/nn/mlp.h"

namespace sinkwise::nn {
namespace {

bool has_gate(MlpKind kind) { return kind == MlpKind::swiglu || kind == MlpKind::geglu_tanh; }

at::Tensor activate(MlpKind kind, const at::Tensor& x) {
  if (kind == MlpKind::swiglu) return at::silu(x);
  return at::gelu(x, kind == MlpKind::gelu ? "none" : "tanh");
}

}  // namespace

Mlp::Mlp(MlpKind kind, std::int64_t width, std::int64_t hidden, bool bias) : kind_(kind) {
  if (has_gate(kind)) {
    gate_ = register_module("gate_proj", std::make_shared<Linear>(width, hidden, bias));
  }
  up_ = register_module("up_proj", std::make_shared<Linear>(width, hidden, bias));
  down_ = register_module("down_proj", std::make_shared<Linear>(hidden, width, bias));
}

at::Tensor Mlp::forward(const at::Tensor& x) const {
  if (!gate_) return down_->forward(activate(kind_, up_->forward(x)));
  return down_->forward(activate(kind_, gate_->forward(x)) * up_->forward(x));
}

}  // namespace sinkwise::nn
