#pragma once

#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

namespace sinkwise::ops::stock {

// One call of a fused kernel that ships with Torch: plain softmax attention, no sink, no gate.
struct Problem {
  at::Tensor query, key, value;  // [B, H, T, D], [B, K, S, D]
  at::Tensor mask;               // [1 or B, 1, T, S] additive, of the query's dtype; or undefined
  bool causal = false;           // top-left aligned, only used with T = S
  double scale = 1.0;
};

struct Forward {
  at::Tensor out;  // [B, H, T, D]
  at::Tensor lse;  // [B, H, T] natural, exclusive of any sink
};

struct Gradients {
  at::Tensor query, key, value;
};

// The backward of these kernels reads `out` only through rowsum(grad_out * out), and `lse` only
// through exp(s - lse). attention.cpp relies on both to make the log-sum-exp and the gate
// differentiable; the gradient tests against float64 fail if a version of Torch stops honouring it.
Forward forward(const Problem& problem);
Gradients backward(const Problem& problem, const at::Tensor& grad_out, const at::Tensor& out,
                   const at::Tensor& lse);

// The dtype the kernels should run in on this device: on a CPU the bfloat16 backward of Torch is an
// order of magnitude slower than float32 and sums in bfloat16, so there the operator computes in
// float32.
at::ScalarType compute_type(const at::Tensor& tensor);

}  // namespace sinkwise::ops::stock
