#pragma once

#include <filesystem>

#include "family.h"
#include "tensor_source.h"

namespace sinkwise::pretrained {

// `base` with the adapter of a folder added to what is read: W + scale B A (PEFT's LoRA). BadFile
// when adapter_config.json or adapter_model.safetensors is missing or malformed, or belongs to
// another model: it names a tensor that `base` lacks, or one of another shape. Unsupported for
// other kinds of adapter.
std::unique_ptr<TensorSource> with_adapter(std::unique_ptr<TensorSource> base,
                                           const std::filesystem::path& folder,
                                           const Family& family);

}  // namespace sinkwise::pretrained
