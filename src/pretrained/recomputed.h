#pragma once

#include <functional>

#include <torch/torch.h>

namespace sinkwise::pretrained {

// What one layer gives: its output, and the gate [B, H, T] if it was asked for.
struct LayerOutput {
  at::Tensor y;
  at::Tensor gate;
};

// layer(x) without keeping what lies between: the backward pass calls it again, with gradients.
// Gradients reach x and, through the second call, the parameters that `layer` uses, whose grad it
// adds to; so the backward pass must be one that accumulates (torch::autograd::backward).
LayerOutput recomputed(const std::function<LayerOutput(const at::Tensor&)>& layer,
                       const at::Tensor& x);

}  // namespace sinkwise::pretrained
