#pragma once

#include <ATen/core/Tensor.h>

namespace sinkwise::probes {

// Outliers of the residual stream after one layer (He et al. 2024).
struct Activations {
  double kurtosis = 0.0;  // of the channels' root mean squares: 1 when all are alike, up to the
                          // number of channels when one has everything
  double max_to_median = 0.0;    // largest |x| over the median |x|, the worst window
  double first_to_others = 0.0;  // ||x_0|| over the mean ||x_j||, j > 0
};

// Accumulates hidden states [B, T, width]; every window has length T >= 2.
class ActivationProbe {
 public:
  void add(const at::Tensor& hidden);
  Activations result() const;

 private:
  at::Tensor squares_;  // [width] sums
  double max_to_median_ = 0.0, first_ = 0.0, others_ = 0.0;
};

}  // namespace sinkwise::probes
