#pragma once

#include <filesystem>
#include <vector>

#include "sinkwise/pretrained/loaded_model.h"
#include "sinkwise/weights/write_folder.h"

namespace sinkwise::pretrained {

// In which numbers changed tensors are written.
enum class ExportType {
  stored,  // as the tensor was; float32 where the source was quantised
  float32,
  bfloat16,
};

// Unsupported where export_model() would be, such as for a tokenizer that no file of Hugging Face's
// can express: to be asked before a long training.
void check_export(const Model& model);

// Writes the model as a Hugging Face folder: config.json, tokenizer and other small files of its
// own folder, and safetensors. Tensors that the adapter of the model, or `changed`, leaves alone
// are copied bit by bit where the source has them in a type that safetensors knows. `folder` must
// not exist, unless empty; it appears complete or not at all. Unsupported where files for the
// tokenizer cannot be made; ResourceError when the disk refuses.
void export_model(const Model& model, const std::filesystem::path& folder, ExportType type);
void export_model(const LoadedModel& changed, const std::filesystem::path& folder, ExportType type);

}  // namespace sinkwise::pretrained
