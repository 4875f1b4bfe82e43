#pragma once

#include "sinkwise/inspect/inspect.h"
#include "walk.h"

namespace sinkwise::inspect {

// HONOR divided by the mean of its layer (arXiv 2504.03889, "LN"), [L][H]; empty for layers without
// heads.
std::vector<std::vector<double>> honor_over_layer_mean(const std::vector<LayerInspection>& layers);

// Loss with the first value dropped, and with more and more heads silenced: the least important
// first, by importance, by HONOR over its layer's mean, by gradient, and in random order.
Interventions intervene(const pretrained::Model& model, const at::Tensor& tokens,
                        const std::vector<LayerInspection>& layers, const InspectOptions& options,
                        const WindowsDone& layer_done);

// What that comes to: how many windows go through each layer, when there are `windows` in all.
std::int64_t windows_of_intervening(const pretrained::ModelConfig& config, std::int64_t windows,
                                    const InspectOptions& options);

}  // namespace sinkwise::inspect
