#pragma once

#include <string>

#include "sinkwise/pretrained/model.h"

namespace sinkwise::pretrained {

// XXH3-128 of the model's configuration, of the names and shapes of its tensors, of its vectors and
// of one row of each matrix: tells a model from another under the same path without reading all of
// it.
std::string fingerprint(const Model& model);

}  // namespace sinkwise::pretrained
