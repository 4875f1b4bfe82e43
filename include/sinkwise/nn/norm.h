#pragma once

#include <torch/torch.h>

namespace sinkwise::nn {

enum class NormKind {
  rms,    // x / sqrt(mean(x^2) + epsilon) * weight
  layer,  // (x - mean) / sqrt(variance + epsilon) * weight + bias
};

// Normalises the last dimension; means are formed in float32.
class Norm : public torch::nn::Module {
 public:
  explicit Norm(std::int64_t size, NormKind kind = NormKind::rms, double epsilon = 1e-6);
  at::Tensor forward(const at::Tensor& x) const;

  at::Tensor weight;  // [size]
  at::Tensor bias;    // [size] of NormKind::layer, else undefined

 private:
  double epsilon_;
};

}  // namespace sinkwise::nn
