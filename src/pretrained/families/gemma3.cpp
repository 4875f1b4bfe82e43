#include <cmath>

#include "family.h"
#include "rotary.h"

// Gemma 3: norms multiply by 1 + weight, four of them a layer; queries are scaled by
// query_pre_attn_scalar; five sliding layers to each full one, with rotary bases of their own.

namespace sinkwise::pretrained {
namespace {

// One embedding for full layers, one for those with windows, as transformers 5 reads them:
// rope_scaling and rope_theta are of the first, rope_local_base_freq of the second.
std::vector<RotaryConfig> rotary_pair(const ConfigReader& config, std::int64_t head_size) {
  const ConfigReader parameters = config.object("rope_parameters");
  const ConfigReader full = config.object("rope_scaling")
                                .over(parameters.object("full_attention").json()),
                     sliding = parameters.object("sliding_attention");
  const double global = config.number("rope_theta", 1e6),
               local = config.number("rope_local_base_freq", 1e4);
  return {rotary_config(full, head_size, full.number("rope_theta", global),
                        rotary_context(config, full)),
          rotary_config(sliding, head_size, sliding.number("rope_theta", local),
                        rotary_context(config, sliding))};
}

// Gemma3TextConfig's, beside those that are read with a default below.
const nlohmann::json kDefaults = {{"vocab_size", 262208},      {"hidden_size", 2304},
                                  {"intermediate_size", 9216}, {"num_hidden_layers", 26},
                                  {"num_attention_heads", 8},  {"num_key_value_heads", 4},
                                  {"sliding_window", 4096},    {"max_position_embeddings", 131072}};

ModelConfig gemma3_config(const ConfigReader& outer) {
  const ConfigReader config = text_config(outer, kDefaults);
  for (const char* name : {"attn_logit_softcapping", "final_logit_softcapping"}) {
    if (config.has(name)) config.unsupported(name, "null");
  }
  if (config.flag("use_bidirectional_attention", false)) {
    config.unsupported("use_bidirectional_attention", "false");
  }
  if (config.text("hidden_activation", "gelu_pytorch_tanh") != "gelu_pytorch_tanh") {
    config.unsupported("hidden_activation", "gelu_pytorch_tanh");
  }
  ModelConfig model = common_config(config);
  nn::AttentionConfig attention = common_attention(config, model);
  attention.head_size = config.size("head_dim", 256);
  attention.qk_norm = true;
  attention.input_bias = attention.output_bias = config.flag("attention_bias", false);
  attention.scale = 1.0 / std::sqrt(config.number("query_pre_attn_scalar", 256.0));
  if (!std::isfinite(*attention.scale)) config.refuse("query_pre_attn_scalar", "above 0");
  model.post_norms = true;
  model.tied_embedding = config.flag("tie_word_embeddings", true);
  model.embedding_scale = std::sqrt(static_cast<double>(model.width));
  model.rotary = rotary_pair(config, attention.head_size);
  const MlpConfig mlp{nn::MlpKind::geglu_tanh, config.size("intermediate_size"), false};
  const std::int64_t pattern = config.size("sliding_window_pattern", 6);
  const auto types =
      layer_types(config, config.layers("num_hidden_layers"), [&](std::int64_t layer) {
        return (layer + 1) % pattern == 0 ? "full_attention" : "sliding_attention";
      });
  for (const std::string& type : types) {
    model.layers.push_back(softmax_layer(config, type, attention, mlp));
    if (type == "sliding_attention") model.layers.back().rotary = 1;
  }
  return model;
}

Tensors gemma3_block(const TensorSource& source, const std::string& prefix, const ModelConfig&,
                     const LayerConfig&) {
  Tensors tensors;
  take(tensors, source, prefix,
       {{"input_norm.weight", "input_layernorm.weight"},
        {"post_attention_norm.weight", "post_attention_layernorm.weight"},
        {"mlp_norm.weight", "pre_feedforward_layernorm.weight"},
        {"post_mlp_norm.weight", "post_feedforward_layernorm.weight"},
        {"attention.q_norm.weight", "self_attn.q_norm.weight"},
        {"attention.k_norm.weight", "self_attn.k_norm.weight"}});
  for (auto& [name, tensor] : tensors) tensor += 1.0;  // these are all norms
  take_llama_attention(tensors, source, prefix);
  take_llama_mlp(tensors, source, prefix);
  return tensors;
}

}  // namespace

Family gemma3_family() {
  return {.name = "gemma3",
          .model_types = {"gemma3_text", "gemma3"},
          .config = gemma3_config,
          .layer = "model.layers.{}.",
          .embedding = "model.embed_tokens.weight",
          .final_norm = "model.norm",
          .output = "lm_head.weight",
          .norm_offset = 1.0,
          .block = gemma3_block};
}

}  // namespace sinkwise::pretrained
