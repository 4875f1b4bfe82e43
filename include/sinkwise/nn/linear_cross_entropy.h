#pragma once

#include <torch/torch.h>

namespace sinkwise::nn {

// [N] float32 (float64 for float64 x): -log softmax(x W^T)[target] for x [N, width], W [V, width]
// and targets [N] int64; 0 where a target is negative. Differentiable in x and W. The logits are
// formed for some rows at a time and not kept: the memory is that of [N, width] and one slice,
// whatever V. When W takes no gradient the one for x is found on the way forward, and no logit is
// formed twice. Ours; the same idea as the fused losses of arXiv 2410.10989.
at::Tensor linear_cross_entropy(const at::Tensor& x, const at::Tensor& weight,
                                const at::Tensor& targets);

}  // namespace sinkwise::nn
