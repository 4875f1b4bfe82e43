#pragma once

#include <vector>

#include "sinkwise/pretrained/model.h"
#include "sinkwise/weights/write_folder.h"

namespace sinkwise::pretrained {

// config.json and what else a Hugging Face folder of this model holds beside its weights: copies
// of the folder's own, or for other formats what says the same. `type` is what config.json names
// as the dtype, where it is not empty.
std::vector<weights::TextFile> small_files(const Model& model, const std::string& type);

}  // namespace sinkwise::pretrained
