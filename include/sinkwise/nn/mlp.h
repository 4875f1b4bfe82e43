#pragma once

#include <memory>

#include "sinkwise/nn/linear.h"

namespace sinkwise::nn {

enum class MlpKind {
  swiglu,  // down(silu(gate x) * up x)   (arXiv 2002.05202)
  gelu,    // down(gelu(up x)), exact
};

class Mlp : public torch::nn::Module {
 public:
  Mlp(MlpKind kind, std::int64_t width, std::int64_t hidden);
  at::Tensor forward(const at::Tensor& x) const;  // [..., width] -> [..., width]

 private:
  std::shared_ptr<Linear> gate_, up_, down_;  // gate_ only with swiglu
};

}  // namespace sinkwise::nn
