#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "sinkwise/ops/geometry.h"

namespace sinkwise::ops {

// The implementations of the attention operator, from the plainest to the fastest.
enum class Path {
  reference,  // readable composite, any dtype, differentiable twice; the oracle of the others
  stock,      // the fused forward and backward that ship with Torch, made exact in L and G
  kernel,     // our own, on a CPU in float32 and bfloat16
};

// Paths a caller admits. Forcing a path is admitting only it; forbidding one is admitting the rest.
struct PathSet {
  bool reference = true;
  bool stock = true;
  bool kernel = true;

  static PathSet only(Path path);
  void admit(Path path);
  bool admits(Path path) const;
};

struct AttentionOptions {
  bool causal = true;
  std::optional<std::int64_t> window;  // W of Geometry
  Gate gate = Gate::none;
  std::optional<double> scale;  // of the logits; default 1 / sqrt(D)
  PathSet paths;
};

struct AttentionResult {
  at::Tensor out;   // [B, H, T, D] of the query's dtype, lying in memory as [B, T, H, D]
  at::Tensor lse;   // [B, H, T] log-sum-exp, natural, sink included; float32 (float64 for float64)
  at::Tensor gate;  // [B, H, T] of the dtype of lse; undefined with Gate::none
};

// Attention with an implicit gate (docs/mathematics.md, after arXiv 2602.01203):
//   s_ij  = scale * q_i . k_j over the keys that Geometry lets row i see
//   L_i   = log( sum_j exp(s_ij) [+ exp(z_h)] )
//   out_i = sum_j exp(s_ij - L_i) v_j
//   G_i   = 1 - exp(s_i,f(i) - L_i)  or  1 - exp(z_h - L_i)
//
//   query [B, H, T, D]; key, value [B, K, S, D] with H a multiple of K; any strides
//   sink [H] learned logit without a value, or undefined
//   document_start [B, T] int32 or int64, or undefined
//
// out, lse and gate are differentiable in query, key, value and sink, together and apart. A row
// that sees no key has out = 0, L = -inf without a sink and z_h with one, G = 0 with Gate::sink and
// 1 with Gate::first_key. A NaN in a key or value that a row does not see stays out of that row on
// the kernel path; on the others 0 * NaN is NaN.
//
// Throws BadArgument for shapes, dtypes or devices that do not fit, Unsupported with every reason
// when no admitted path can serve the request.
AttentionResult attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                          const at::Tensor& sink = {}, const at::Tensor& document_start = {},
                          const AttentionOptions& options = {});

// The path that attention() takes for these arguments, and why the others do not serve.
struct PathChoice {
  std::optional<Path> path;
  std::vector<std::string> reasons;  // one for each path that was passed over
};
PathChoice choose_path(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                       const at::Tensor& sink, const at::Tensor& document_start,
                       const AttentionOptions& options);

// How often each path has run forward in this process; lets a test assert which one did.
std::int64_t path_runs(Path path);

std::string name(Path path);
std::string name(Gate gate);

}  // namespace sinkwise::ops
