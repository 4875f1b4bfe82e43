#pragma once

#include <nlohmann/json.hpp>

#include "family.h"
#include "sinkwise/pretrained/model.h"

// Some converted models are of an architecture that transformers has. They are written under its
// name, so that others load them; the rest says "sinkwise_..." (convert.h).
namespace sinkwise::pretrained {

struct KnownAs {
  // Whether `model`, which is converted and rotates all channels, is one.
  bool (*applies)(const Model& model);

  // Its config.json, from the one of the model before the conversion.
  nlohmann::json (*config)(nlohmann::json before, const Model& model);

  // Turns `files`, changed tensors of one layer by the names of the model's own folder, into those
  // of the architecture. `values` are all parameters of our block.
  void (*lay_out)(Tensors& files, const Tensors& values, const TensorSource& source,
                  const std::string& prefix, const nn::AttentionConfig& attention);

  // Norms are stored around 0. In bfloat16 a weight of 0.01 would be 0.0117 there, so they are
  // written in float32 whatever the others are in.
  bool norms_around_0 = false;
};

KnownAs granite_swa();  // Llama, Mistral, Qwen2 with sinks
KnownAs qwen3_5();      // Qwen3 with a gate for every channel and no windows

// Null for a model that is not converted, and where no architecture is equal.
const KnownAs* known_as(const Model& model);

// --- For the architectures ---

// What defaults of architectures differ in, and the type of every layer, said outright.
void say_outright(nlohmann::json& config, const Model& model);

// rope_parameters from any spelling of them, with a base.
nlohmann::json rope_parameters(const nlohmann::json& config);

// The bias of one of a block's projections; zeros where it has none.
at::Tensor bias_of(const Tensors& values, const std::string& projection);

}  // namespace sinkwise::pretrained
