#pragma once

#include <vector>

#include <torch/torch.h>

namespace sinkwise::probes {

inline std::vector<double> to_vector(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kCPU, at::kDouble).contiguous().view(-1);
  return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

// A sum that begins with its first part.
inline void add_to(at::Tensor& sum, const at::Tensor& part) {
  sum = sum.defined() ? sum + part : part;
}

}  // namespace sinkwise::probes
