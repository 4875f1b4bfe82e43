#pragma once

#include "sinkwise/ops/attention.h"

namespace sinkwise::ops {

// Throws BadArgument, naming the operator, the argument and the shapes, when the arguments of
// attention() do not fit together.
void check_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                     const at::Tensor& sink, const at::Tensor& document_start,
                     const AttentionOptions& options);

}  // namespace sinkwise::ops
