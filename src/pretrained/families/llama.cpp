#include "family.h"
#include "rotary.h"

// Llama and those that differ from it in a bias, a window or a norm of the heads: Mistral, SmolLM2,
// Qwen2, Qwen3.

namespace sinkwise::pretrained {
namespace {

ModelConfig llama_config(const ConfigReader& config) {
  ModelConfig model = common_config(config);
  nn::AttentionConfig attention = common_attention(config, model);
  const bool qwen2 = model.model_type == "qwen2", qwen3 = model.model_type == "qwen3";
  attention.input_bias = config.flag("attention_bias", qwen2);
  attention.output_bias = config.flag("attention_bias", false);
  attention.qk_norm = qwen3;
  model.tied_embedding = config.flag("tie_word_embeddings", false);
  const double base = model.model_type == "qwen3" ? 1e6 : 1e4;
  model.rotary = {rotary_of(config, rotary_size_of(config, attention.head_size, 1.0), base)};
  const MlpConfig mlp{nn::MlpKind::swiglu, config.size("intermediate_size"),
                      config.flag("mlp_bias", false)};
  if (config.text("hidden_act", "silu") != "silu") config.unsupported("hidden_act", "silu");

  const std::int64_t layers = config.layers("num_hidden_layers");
  const bool has_window =
      config.has("sliding_window") && config.flag("use_sliding_window", !qwen2 && !qwen3);
  const std::int64_t first =
      has_window && (qwen2 || qwen3) ? config.size("max_window_layers", 1) : 0;
  const auto types = layer_types(config, layers, [&](std::int64_t layer) {
    return has_window && layer >= first ? "sliding_attention" : "full_attention";
  });
  for (const std::string& type : types) {
    model.layers.push_back(softmax_layer(config, type, attention, mlp));
  }
  return model;
}

Tensors llama_block(const TensorSource& source, const std::string& prefix, const ModelConfig&,
                    const LayerConfig& layer) {
  Tensors tensors;
  take(tensors, source, prefix,
       {{"input_norm.weight", "input_layernorm.weight"},
        {"mlp_norm.weight", "post_attention_layernorm.weight"}});
  if (layer.attention()->qk_norm) {
    take(tensors, source, prefix,
         {{"attention.q_norm.weight", "self_attn.q_norm.weight"},
          {"attention.k_norm.weight", "self_attn.k_norm.weight"}});
  }
  take_llama_attention(tensors, source, prefix);
  take_llama_mlp(tensors, source, prefix);
  return tensors;
}

}  // namespace

Family llama_family() {
  return {.name = "llama",
          .model_types = {"llama", "mistral", "qwen2", "qwen3"},
          .config = llama_config,
          .layer = "model.layers.{}.",
          .embedding = "model.embed_tokens.weight",
          .final_norm = "model.norm",
          .output = "lm_head.weight",
          .block = llama_block};
}

}  // namespace sinkwise::pretrained
