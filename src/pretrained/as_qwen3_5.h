#pragma once

#include <nlohmann/json.hpp>

#include "family.h"
#include "sinkwise/pretrained/model.h"

// A Qwen3 to which a conversion gave a gate for every channel computes what a Qwen3.5 does whose
// layers all have softmax attention and biases. So it is written as one, which transformers reads.
namespace sinkwise::pretrained {

// Not so for gates a head, which no Qwen3.5 has, or for windows.
bool is_written_as_qwen3_5(const Model& model);

// The config.json of `model`, from that of the Qwen3.
nlohmann::json qwen3_5_config(nlohmann::json qwen3, const Model& model);

// Turns `files`, changed tensors of the Qwen3's layer by the names of its folder, into those of the
// Qwen3.5's: queries and gates in one projection, all biases, norms around 0. `values` are the
// parameters of our block.
void lay_out_as_qwen3_5(Tensors& files, const Tensors& values, const TensorSource& source,
                        const std::string& prefix, const nn::AttentionConfig& attention);

// Whether a tensor is a norm that is stored around 0. In bfloat16 a weight of 0.01 would be 0.0117
// there: such tensors are written in float32 whatever the others are in.
bool is_norm_around_0(const std::string& name);

}  // namespace sinkwise::pretrained
