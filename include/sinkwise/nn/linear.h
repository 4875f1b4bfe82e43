#pragma once

#include <torch/torch.h>

namespace sinkwise::nn {

// y = x W^T (+ b). The weight stays in its own dtype (float32 master) and is cast to the dtype of x
// at use, so its gradient arrives in float32 whatever the activations are.
class Linear : public torch::nn::Module {
 public:
  Linear(std::int64_t in, std::int64_t out, bool bias = false);
  at::Tensor forward(const at::Tensor& x) const;  // [..., in] -> [..., out]

  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out] or undefined
};

}  // namespace sinkwise::nn
