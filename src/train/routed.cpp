#include "sinkwise/train/routed.h"

#include <torch/torch.h>

namespace sinkwise::train {

at::Tensor to_tensor(const std::vector<std::vector<bool>>& routed) {
  std::vector<at::Tensor> rows;
  for (const auto& row : routed) {
    at::Tensor line = at::zeros({static_cast<std::int64_t>(row.size())}, at::kBool);
    for (std::size_t h = 0; h < row.size(); ++h) line[static_cast<std::int64_t>(h)] = bool{row[h]};
    rows.push_back(line);
  }
  return at::stack(rows);
}

std::vector<std::vector<bool>> to_lists(const at::Tensor& routed) {
  std::vector<std::vector<bool>> lists;
  for (std::int64_t layer = 0; layer < routed.size(0); ++layer) {
    const at::Tensor row = routed[layer].contiguous();
    lists.emplace_back(row.data_ptr<bool>(), row.data_ptr<bool>() + row.numel());
  }
  return lists;
}

}  // namespace sinkwise::train
