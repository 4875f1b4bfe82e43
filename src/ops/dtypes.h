#pragma once

#include <c10/core/ScalarType.h>

namespace sinkwise::ops {

// The dtype in which log-sum-exps, gates and weights are formed.
inline at::ScalarType accumulation_type(at::ScalarType type) {
  return type == at::kDouble ? at::kDouble : at::kFloat;
}

}  // namespace sinkwise::ops
