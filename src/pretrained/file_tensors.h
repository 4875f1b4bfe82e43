#pragma once

#include "family.h"

namespace sinkwise::pretrained {

// The tensors of a layer's file, by their Hugging Face names, when its parameters are `values` (by
// our names; those left out count as 0). No family says how to write its files: reading them only
// rearranges numbers and adds constants, so the transpose of the reader, which autograd knows, is
// the writer. Tensors that are no plain numbers (packed experts) are left out.
Tensors file_tensors(const Family& family, const TensorSource& source, const std::string& prefix,
                     const ModelConfig& model, const LayerConfig& layer, const Tensors& values);

}  // namespace sinkwise::pretrained
