#pragma once

#include <torch/torch.h>

namespace sinkwise::nn {

// y = x W^T (+ b) (+ scale (x A^T) B^T). The weight stays in its own dtype (float32 master) and is
// cast to the dtype of x at use, so its gradient arrives in float32 whatever the activations are.
class Linear : public torch::nn::Module {
 public:
  Linear(std::int64_t in, std::int64_t out, bool bias = false);
  at::Tensor forward(const at::Tensor& x) const;  // [..., in] -> [..., out]

  // Adds a correction of low rank (LoRA, arXiv 2106.09685) with the parameters lora_A [rank, in]
  // and lora_B [out, rank]. B starts at 0, so nothing changes before it is trained; A is uniform in
  // +-1 / sqrt(in), as PEFT has it. BadArgument for a rank below 1 and for a second correction.
  void add_low_rank(std::int64_t rank, double scale, at::Generator generator);
  bool has_low_rank() const { return lora_a.defined(); }

  // [out, in] without gradient: weight + scale B A.
  at::Tensor merged_weight() const;

  at::Tensor weight;          // [out, in]
  at::Tensor bias;            // [out] or undefined
  at::Tensor lora_a, lora_b;  // [rank, in], [out, rank] or undefined
  double lora_scale = 0.0;
};

}  // namespace sinkwise::nn
