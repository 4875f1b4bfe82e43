#pragma once

#include <memory>

#include "sinkwise/nn/linear.h"

namespace sinkwise::nn {

enum class MlpKind {
  swiglu,      // down(silu(gate x) * up x)   (arXiv 2002.05202)
  geglu_tanh,  // down(gelu(gate x) * up x), tanh approximation
  gelu,        // down(gelu(up x)), exact
  gelu_tanh,   // the same, tanh approximation
};

class Mlp : public torch::nn::Module {
 public:
  Mlp(MlpKind kind, std::int64_t width, std::int64_t hidden, bool bias = false);
  at::Tensor forward(const at::Tensor& x) const;  // [..., width] -> [..., width]

 private:
  MlpKind kind_;
  std::shared_ptr<Linear> gate_, up_, down_;  // gate_ only with swiglu and geglu_tanh
};

}  // namespace sinkwise::nn
