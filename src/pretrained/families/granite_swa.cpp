#include <algorithm>

#include "family.h"
#include "rotary.h"
#include "sinkwise/core/text.h"

// Granite with windows: Llama with a learned sink a head, factors on embedding and scores, and a
// rotation of its own, or none, in every layer.

namespace sinkwise::pretrained {
namespace {

constexpr std::size_t kMostTables = 8;  // each takes memory

// By layer; 0: no rotation.
std::vector<double> rotary_bases(const ConfigReader& config, std::size_t layers) {
  const double base = config.object("rope_parameters").number("rope_theta", 1e4);
  std::vector<double> bases = config.numbers("layer_rope_theta");
  if (bases.empty()) bases.assign(layers, base);
  if (bases.size() != layers) {
    config.refuse("layer_rope_theta", concat("one entry for each of ", layers, " layers"));
  }
  return bases;
}

// The index of the table of this base, which is added where there is none yet.
std::optional<std::size_t> table_of(double base, const ConfigReader& config, ModelConfig& model,
                                    std::vector<double>& bases) {
  if (base == 0.0) return std::nullopt;
  const auto found = std::find(bases.begin(), bases.end(), base);
  if (found != bases.end()) return static_cast<std::size_t>(found - bases.begin());
  if (bases.size() == kMostTables) {
    config.unsupported("layer_rope_theta", concat("at most ", kMostTables, " different rotations"));
  }
  bases.push_back(base);
  model.rotary.push_back(rotary_config(config.object("rope_parameters"),
                                       model.layers.front().attention()->head_size, base,
                                       rotary_context(config, config.object("rope_parameters"))));
  return bases.size() - 1;
}

void refuse_factors(const ConfigReader& config) {
  for (const char* name : {"residual_multiplier", "logits_scaling"}) {
    if (config.number(name, 1.0) != 1.0) config.unsupported(name, "1");
  }
  if (config.text("hidden_act", "silu") != "silu") config.unsupported("hidden_act", "silu");
}

ModelConfig granite_swa_config(const ConfigReader& config) {
  refuse_factors(config);
  ModelConfig model = common_config(config);
  model.norm_epsilon = config.epsilon("rms_norm_eps", 1e-5);
  model.tied_embedding = config.flag("tie_word_embeddings", true);
  model.embedding_scale = config.number("embedding_multiplier", 1.0);
  nn::AttentionConfig attention = common_attention(config, model);
  attention.mechanism = nn::Mechanism::sink;
  attention.scale = config.number("attention_multiplier", 1.0);
  attention.input_bias = attention.output_bias = config.flag("attention_bias", false);
  const MlpConfig mlp{nn::MlpKind::swiglu, config.size("intermediate_size"),
                      config.flag("mlp_bias", false)};
  const auto types = layer_types(
      config, config.layers("num_hidden_layers"),
      [](std::int64_t layer) { return layer % 4 == 0 ? "full_attention" : "sliding_attention"; });
  for (const std::string& type : types) {
    model.layers.push_back(softmax_layer(config, type, attention, mlp, 128));
  }
  const auto bases = rotary_bases(config, types.size());
  std::vector<double> tables;
  for (std::size_t layer = 0; layer < types.size(); ++layer) {
    model.layers[layer].rotary = table_of(bases[layer], config, model, tables);
  }
  return model;
}

Tensors granite_swa_block(const TensorSource& source, const std::string& prefix, const ModelConfig&,
                          const LayerConfig&) {
  Tensors tensors;
  take(tensors, source, prefix,
       {{"input_norm.weight", "input_layernorm.weight"},
        {"mlp_norm.weight", "post_attention_layernorm.weight"},
        {"attention.sinks", "self_attn.sinks"}});
  take_llama_attention(tensors, source, prefix);
  take_llama_mlp(tensors, source, prefix);
  return tensors;
}

}  // namespace

Family granite_swa_family() {
  return {.name = "granite_swa",
          .model_types = {"granite_swa"},
          .config = granite_swa_config,
          .layer = "model.layers.{}.",
          .embedding = "model.embed_tokens.weight",
          .final_norm = "model.norm",
          .output = "lm_head.weight",
          .block = granite_swa_block};
}

}  // namespace sinkwise::pretrained
