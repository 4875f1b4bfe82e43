#include "sinkwise/probes/activations.h"

#include <algorithm>

#include <torch/torch.h>

#include "vectors.h"

namespace sinkwise::probes {

void ActivationProbe::add(const at::Tensor& hidden) {
  torch::NoGradGuard no_grad;
  const auto T = hidden.size(1);
  const at::Tensor squares = hidden.to(at::kDouble).square().sum(at::IntArrayRef{0, 1});
  add_to(squares_, squares);
  const at::Tensor size = hidden.abs().flatten(1);  // [B, T width]
  const at::Tensor ratio = std::get<0>(size.max(1)) / std::get<0>(size.median(1)).clamp_min(1e-30);
  max_to_median_ = std::max(max_to_median_, ratio.max().item<double>());
  const at::Tensor norm = hidden.norm(2, -1);  // [B, T]
  first_ += norm.select(1, 0).sum().item<double>();
  others_ += norm.narrow(1, 1, T - 1).mean(1).sum().item<double>();
}

Activations ActivationProbe::result() const {
  if (!squares_.defined()) return {};
  // E[r^4] / E[r^2]^2 over the channels' r; the number of positions cancels.
  const double kurtosis = (squares_.square().mean() / squares_.mean().square()).item<double>();
  return {kurtosis, max_to_median_, first_ / others_};
}

}  // namespace sinkwise::probes
