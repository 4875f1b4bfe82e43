#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace sinkwise::train {

// Which heads a balance statistic covers, [L, H] bool, as the tensor that steps take and as the
// lists that files hold.
at::Tensor to_tensor(const std::vector<std::vector<bool>>& routed);
std::vector<std::vector<bool>> to_lists(const at::Tensor& routed);

}  // namespace sinkwise::train
