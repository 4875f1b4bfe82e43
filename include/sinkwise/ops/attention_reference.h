#pragma once

#include <ATen/core/Tensor.h>

#include "sinkwise/ops/geometry.h"

namespace sinkwise::ops {

// How scores become weights. Softmax is the operator of attention.h; the others are controls that
// exist only here (docs/mathematics.md). n_i is the number of keys that row i sees.
enum class ScoreFunction {
  softmax,
  sigmoid,  // sigmoid(s_ij - log n_i), not normalised (arXiv 2409.04431)
  relu,     // max(0, s_ij) / n_i (arXiv 2410.13835)
};

struct ReferenceOptions {
  Gate gate = Gate::none;
  ScoreFunction score_function = ScoreFunction::softmax;
  double scale = 1.0;
  at::Tensor first_key_bias;  // [H] added to s_i,f(i), or undefined (loss-free balancing)
};

struct ReferenceResult {
  at::Tensor out;      // [B, H, T, D]
  at::Tensor lse;      // [B, H, T]; for sigmoid and relu the log of the row's total weight
  at::Tensor gate;     // [B, H, T]; for sigmoid and relu a proxy: 1 - first weight / total weight,
                       // 0 where the total is 0
  at::Tensor weights;  // [B, H, T, S] of the dtype of lse
  at::Tensor sink_weight;  // [B, H, T], undefined without a sink
};

// The readable composite: every step is an ordinary differentiable tensor expression. Scores are
// formed in the input's dtype and turned into weights in float32 (float64 for float64), as the
// usual eager code does, so in low precision this is also the "naive same-precision version" of the
// tests. Shapes as in attention(); `document_start` is in the geometry. Memory grows with T * S.
ReferenceResult reference_attention(const at::Tensor& query, const at::Tensor& key,
                                    const at::Tensor& value, const at::Tensor& sink,
                                    const Geometry& geometry, const ReferenceOptions& options);

}  // namespace sinkwise::ops
