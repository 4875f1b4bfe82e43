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

// x / sqrt(mean(x^2) + epsilon) * weight over the last dimension; the mean is formed in float32.
class RmsNorm : public torch::nn::Module {
 public:
  explicit RmsNorm(std::int64_t size, double epsilon = 1e-6);
  at::Tensor forward(const at::Tensor& x) const;

  at::Tensor weight;  // [size]

 private:
  double epsilon_;
};

}  // namespace sinkwise::nn
