#pragma once

#include <vector>

#include "sinkwise/pretrained/model.h"
#include "walk.h"

namespace sinkwise::inspect {

// Mean over windows of |d loss / d factor on a head's output| at 1, [L][H] (arXiv 1905.10650);
// empty for layers without heads. Layer by layer from the end: each is read again, run once more
// from its stored input, and let go, so the memory is that of one layer and of the hidden states
// between all layers.
std::vector<std::vector<double>> gradient_scores(const pretrained::Model& model,
                                                 const at::Tensor& tokens,
                                                 const WindowsDone& layer_done);

}  // namespace sinkwise::inspect
