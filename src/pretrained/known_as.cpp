#include "known_as.h"

#include <algorithm>
#include <array>

#include "rotary.h"
#include "sinkwise/core/text.h"

namespace sinkwise::pretrained {

using nlohmann::json;

namespace {

bool turns_every_channel(const ModelConfig& config) {
  const std::int64_t head_size = config.layers.front().attention()->head_size;
  return config.rotary.size() == 1 && 2 * config.rotary.front().frequency.size(0) == head_size;
}

}  // namespace

const KnownAs* known_as(const Model& model) {
  static const std::array architectures = {granite_swa(), qwen3_5()};
  if (model.options().conversion.mechanism == nn::Mechanism::vanilla) return nullptr;
  if (!turns_every_channel(model.config())) return nullptr;
  const auto* const found =
      std::find_if(architectures.begin(), architectures.end(),
                   [&](const KnownAs& architecture) { return architecture.applies(model); });
  return found == architectures.end() ? nullptr : found;
}

void say_outright(json& config, const Model& model) {
  const ModelConfig& ours = model.config();
  const nn::AttentionConfig& attention = *ours.layers.front().attention();
  config["head_dim"] = attention.head_size;
  config["num_key_value_heads"] = attention.key_heads;
  config["rms_norm_eps"] = ours.norm_epsilon;
  config["max_position_embeddings"] = ours.context_length;
  config["tie_word_embeddings"] = ours.tied_embedding;
  for (const char* token : {"bos_token_id", "eos_token_id", "pad_token_id"}) {
    config.emplace(token, nullptr);
  }
  json types = json::array();
  for (const LayerConfig& layer : ours.layers) {
    types.push_back(layer.attention()->window ? "sliding_attention" : "full_attention");
  }
  config["layer_types"] = std::move(types);
  for (const char* name :
       {"rope_theta", "rope_scaling", "use_sliding_window", "max_window_layers", "sinkwise"}) {
    config.erase(name);
  }
}

json rope_parameters(const json& config) {
  const ConfigReader reader(config, "config.json");
  json rope = rotary_parameters(reader).json();
  if (rope.contains("type")) rope.emplace("rope_type", rope["type"]);
  rope.erase("type");
  rope.emplace("rope_type", "default");
  rope.emplace("rope_theta", reader.number("rope_theta", kRotaryBase));
  return rope;
}

at::Tensor bias_of(const Tensors& values, const std::string& projection) {
  const auto found = values.find(concat("attention.", projection, ".bias"));
  if (found != values.end()) return found->second;
  return at::zeros({values.at(concat("attention.", projection, ".weight")).size(0)});
}

}  // namespace sinkwise::pretrained
