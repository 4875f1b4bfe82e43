#include "sinkwise/ops/first_key.h"

#include <torch/torch.h>

namespace sinkwise::ops {

at::Tensor gather_first_key(const at::Tensor& tensor, const Geometry& geometry) {
  if (!geometry.document_start.defined()) return tensor.narrow(2, 0, 1);  // [B, K, 1, D]
  const at::Tensor index = first_key(geometry, tensor.device())           // [B, T]
                               .unsqueeze(1)
                               .unsqueeze(-1)
                               .expand({tensor.size(0), tensor.size(1), -1, tensor.size(3)});
  return tensor.gather(2, index);  // [B, K, T, D]
}

at::Tensor first_key_weight(const at::Tensor& query, const at::Tensor& key, const at::Tensor& lse,
                            const Geometry& geometry, double scale) {
  const auto B = query.size(0), H = query.size(1), T = query.size(2), D = query.size(3);
  const auto K = key.size(1);
  if (geometry.keys == 0 || T == 0) return at::zeros_like(lse);
  // Heads are grouped as [K, H / K], so a key head meets its query heads without being repeated.
  const at::Tensor grouped = query.reshape({B, K, H / K, T, D}).to(lse.scalar_type());
  const at::Tensor first = gather_first_key(key, geometry).to(lse.scalar_type());
  // An elementwise product: a batched matrix-vector product of this shape is several times slower.
  const at::Tensor score = (grouped * first.unsqueeze(2)).sum(-1);  // [B, K, H / K, T]
  // Rounding may lift s_f a hair above L where the first key is the only one: a weight is at
  // most 1.
  const at::Tensor weight = (score.reshape({B, H, T}) * scale - lse).exp().clamp_max(1.0);
  const bool always_visible = geometry.causal && !geometry.window && empty_rows(geometry) == 0;
  if (always_visible) return weight;
  const at::Tensor visible = first_key_visible(geometry, query.device()).unsqueeze(1);
  return at::where(visible, weight, at::zeros({}, weight.options()));
}

}  // namespace sinkwise::ops
