#pragma once

#include <functional>
#include <vector>

#include "sinkwise/pretrained/model.h"

namespace sinkwise::inspect {

// Told after each layer how many windows went through it.
using WindowsDone = std::function<void(std::int64_t windows)>;
inline constexpr std::int64_t kBackward = 2;  // windows that one costs on its way back

// One way to run the model.
struct Variant {
  std::vector<at::Tensor> head_scale;  // one a layer, [H] or undefined; or empty
  bool drop_first_value = false;
};

// Called for each layer and each batch of windows of the first variant, in order.
using Visitor = std::function<void(std::int64_t layer, const nn::AttentionRecord& record,
                                   const at::Tensor& hidden)>;  // hidden [b, T, width] after it

// All windows [N, T] through all layers, every variant beside the others, so that a layer is read
// once. Gives the hidden states [N, T, width] of each variant before the final norm. `layer_done`
// hears of each layer.
std::vector<at::Tensor> walk(const pretrained::Model& model, const at::Tensor& tokens,
                             const std::vector<Variant>& variants, const nn::Observe& observe,
                             const Visitor& visit, const std::function<void()>& layer_done);

// Mean loss over all positions but the last of each window, nats a token.
double mean_loss(const pretrained::Model& model, const at::Tensor& hidden,
                 const at::Tensor& tokens);

}  // namespace sinkwise::inspect
