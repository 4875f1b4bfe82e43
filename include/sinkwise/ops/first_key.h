#pragma once

#include <ATen/core/Tensor.h>

#include "sinkwise/ops/geometry.h"

namespace sinkwise::ops {

// [B, K or 1 heads of `tensor`, T or 1, D]: the row of `tensor` [B, K, S, D] at f(i); broadcastable
// over T when every row of the batch shares one first key.
at::Tensor gather_first_key(const at::Tensor& tensor, const Geometry& geometry);

// P_i,f(i) = exp(s_i,f(i) - L_i) from the log-sum-exp, without any T x S matrix; 0 where the row
// does not see its first key. query [B, H, T, D], key [B, K, S, D], lse [B, H, T] -> [B, H, T] of
// lse's dtype.
at::Tensor first_key_weight(const at::Tensor& query, const at::Tensor& key, const at::Tensor& lse,
                            const Geometry& geometry, double scale);

}  // namespace sinkwise::ops
