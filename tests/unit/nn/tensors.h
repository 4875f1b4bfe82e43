#pragma once

#include <cstring>

#include <torch/torch.h>

namespace sinkwise::test {

inline at::Tensor random_tensor(at::IntArrayRef shape, std::uint64_t seed,
                                at::ScalarType type = at::kFloat) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return at::randn(shape, generator).to(type);
}

inline at::Tensor random_tokens(at::IntArrayRef shape, std::int64_t vocabulary,
                                std::uint64_t seed) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return at::randint(vocabulary, shape, generator, at::kLong);
}

// Every parameter becomes random, norms around 1: constructed values (zeros, ones) hide mistakes.
inline void randomise(torch::nn::Module& module, std::uint64_t seed, double scale = 0.5) {
  torch::NoGradGuard no_grad;
  for (auto& item : module.named_parameters()) {
    const bool norm = item.key().find("norm.weight") != std::string::npos;
    item.value().copy_(random_tensor(item.value().sizes(), seed++) * scale + (norm ? 1.0 : 0.0));
  }
}

// NaN anywhere gives NaN, which no comparison accepts.
inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.detach().to(at::kDouble) - b.detach().to(at::kDouble)).abs().max().item<double>();
}

inline bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type()) return false;
  const at::Tensor x = a.detach().contiguous(), y = b.detach().contiguous();
  return std::memcmp(x.data_ptr(), y.data_ptr(), x.nbytes()) == 0;
}

// Copies of all parameters and buffers, to compare with later.
inline std::vector<at::Tensor> snapshot(const torch::nn::Module& module) {
  std::vector<at::Tensor> tensors;
  for (const at::Tensor& tensor : module.parameters()) tensors.push_back(tensor.detach().clone());
  for (const at::Tensor& tensor : module.buffers()) tensors.push_back(tensor.detach().clone());
  return tensors;
}

inline bool same_bits(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t n = 0; n < a.size(); ++n) {
    if (!same_bits(a[n], b[n])) return false;
  }
  return true;
}

}  // namespace sinkwise::test
