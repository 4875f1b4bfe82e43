#pragma once

#include "config_reader.h"
#include "sinkwise/pretrained/config.h"

namespace sinkwise::pretrained {

// The rotary embedding of `rotary_size` channels that `parameters` asks for: the member
// rope_parameters, or rope_scaling of older files. Types default, linear, llama3 and yarn;
// Unsupported for others.
RotaryConfig rotary_config(const ConfigReader& parameters, std::int64_t rotary_size, double base,
                           std::int64_t context_length);

// The usual place of these members: rope_parameters (transformers 5), else rope_theta and
// rope_scaling. `base` is used where the file names none.
RotaryConfig rotary_of(const ConfigReader& config, std::int64_t rotary_size, double base);

// partial_rotary_factor, wherever the file has it; R is that share of head_size.
std::int64_t rotary_size_of(const ConfigReader& config, std::int64_t head_size, double otherwise);

}  // namespace sinkwise::pretrained
