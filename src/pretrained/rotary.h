#pragma once

#include "config_reader.h"
#include "sinkwise/pretrained/config.h"

namespace sinkwise::pretrained {

inline constexpr double kRotaryBase = 1e4;  // rope_theta of most families where no file says it

// Positions that a model has now, and had before its rotations were stretched.
struct RotaryContext {
  std::int64_t now = 0, original = 0;
};

// original_max_position_embeddings: beside the parameters, else among them, else all positions.
RotaryContext rotary_context(const ConfigReader& config, const ConfigReader& parameters);

// The rotary embedding of `rotary_size` channels that `parameters` asks for. Types default, linear,
// llama3 and yarn; Unsupported for others.
RotaryConfig rotary_config(const ConfigReader& parameters, std::int64_t rotary_size, double base,
                           const RotaryContext& context);

// The usual place of these members, with the priorities of transformers 5: rope_scaling where it is
// not empty, else rope_parameters.
ConfigReader rotary_parameters(const ConfigReader& config);

// As these parameters ask. The base is rope_theta among them, else `name_of_base` beside them, else
// `base`.
RotaryConfig rotary_of(const ConfigReader& config, std::int64_t rotary_size, double base,
                       const char* name_of_base = "rope_theta");

// The channels that turn: partial_rotary_factor among the parameters, else `name_of_share` beside
// them, else `otherwise`, of head_size.
std::int64_t rotary_size_of(const ConfigReader& config, std::int64_t head_size,
                            const char* name_of_share, double otherwise);

}  // namespace sinkwise::pretrained
