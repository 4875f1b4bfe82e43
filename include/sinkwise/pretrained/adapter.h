#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sinkwise/pretrained/loaded_model.h"

namespace sinkwise::pretrained {

struct AdapterConfig {
  std::int64_t rank = 16;
  double alpha = 32.0;  // the product B A is multiplied by alpha / rank
  // Linear layers by the last parts of their names in Block, such as "q_proj" or "mlp.up_proj".
  std::vector<std::string> targets = {"q_proj", "k_proj", "v_proj", "o_proj"};
};

// Gives every target a correction of low rank, which starts at nothing, and lets only corrections
// require gradients. The random part is a function of (seed, name). BadConfig, with the names that
// there are, for a target that no layer has; BadArgument for a rank below 1.
void add_adapter(LoadedModel& model, const AdapterConfig& config, std::uint64_t seed);

// Writes the corrections in PEFT's layout: adapter_config.json and adapter_model.safetensors, which
// PEFT loads onto the base model. Where a family's file has one matrix for what are several layers
// here, their corrections stand side by side in one of a larger rank. `folder` appears complete or
// not at all. `base` is what the configuration calls the base model.
void write_adapter(const LoadedModel& model, const AdapterConfig& config,
                   const std::filesystem::path& folder, const std::string& base);

}  // namespace sinkwise::pretrained
