#include "family.h"
#include "rotary.h"

// Llama and those that differ from it in a bias, a window or a norm of the heads: Mistral, SmolLM2,
// Qwen2, Qwen3.

namespace sinkwise::pretrained {
namespace {

// Which layers have a window: in Llama none, whatever its file says of windows; in Mistral all
// where it names one; in Qwen2 and Qwen3 those that are listed, or those after the first ones.
std::vector<std::string> window_types(const ConfigReader& config, const std::string& model_type) {
  const std::int64_t layers = config.layers("num_hidden_layers");
  const auto all = [&](const char* type) {
    return std::vector<std::string>(static_cast<std::size_t>(layers), type);
  };
  if (model_type == "llama") return all("full_attention");
  const bool named = config.has("sliding_window");
  if (model_type == "mistral") return all(named ? "sliding_attention" : "full_attention");
  const bool used = named && config.flag("use_sliding_window", false);
  const double first = config.number("max_window_layers", 28);
  return layer_types(config, layers, [&](std::int64_t layer) {
    return used && static_cast<double>(layer) >= first ? "sliding_attention" : "full_attention";
  });
}

// MistralConfig's, where the file does not name them; null is named.
const nlohmann::json kMistralDefaults = {
    {"sliding_window", 4096}, {"max_position_embeddings", 131072}, {"num_key_value_heads", 8}};

ModelConfig llama_config(const ConfigReader& file) {
  const bool mistral = file.text("model_type", "") == "mistral";
  const ConfigReader config = mistral ? file.over(kMistralDefaults) : file;
  ModelConfig model = common_config(config);
  nn::AttentionConfig attention = common_attention(config, model);
  const bool qwen2 = model.model_type == "qwen2", qwen3 = model.model_type == "qwen3";
  attention.output_bias = !qwen2 && config.flag("attention_bias", false);
  attention.input_bias = qwen2 || attention.output_bias;
  attention.qk_norm = qwen3;
  model.tied_embedding = config.flag("tie_word_embeddings", false);
  model.rotary = {rotary_of(config, attention.head_size, kRotaryBase)};
  const MlpConfig mlp{nn::MlpKind::swiglu, config.size("intermediate_size"),
                      config.flag("mlp_bias", false)};
  if (config.text("hidden_act", "silu") != "silu") config.unsupported("hidden_act", "silu");

  for (const std::string& type : window_types(config, model.model_type)) {
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
