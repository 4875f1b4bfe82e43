#include "family.h"

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::pretrained {

const Family& family_of(const std::string& model_type, const std::string& where) {
  static const std::vector<Family> families = {
      llama_family(),   gemma3_family(),      gpt2_family(),      gpt_neox_family(),
      gpt_oss_family(), granite_swa_family(), qwen3_next_family()};
  std::vector<std::string> known;
  for (const Family& family : families) {
    for (const std::string& type : family.model_types) {
      if (type == model_type) return family;
      known.push_back(type);
    }
  }
  throw Unsupported({"a model is of a family that is not built in", concat(where, ", model_type"),
                     join(known), printable(model_type), ""});
}

std::string layer_prefix(const Family& family, std::int64_t layer) {
  std::string prefix = family.layer;
  return prefix.replace(prefix.find("{}"), 2, std::to_string(layer));
}

void take(Tensors& into, const TensorSource& source, const std::string& prefix,
          const std::vector<Renamed>& names) {
  for (const Renamed& name : names) into[name.ours] = source.read(prefix + name.theirs);
}

void take_linear(Tensors& into, const TensorSource& source, const std::string& prefix,
                 const std::vector<Renamed>& names) {
  for (const Renamed& name : names) {
    into[concat(name.ours, ".weight")] = source.read(concat(prefix, name.theirs, ".weight"));
    const std::string bias = concat(prefix, name.theirs, ".bias");
    if (source.has(bias)) into[concat(name.ours, ".bias")] = source.read(bias);
  }
}

void take_llama_attention(Tensors& into, const TensorSource& source, const std::string& prefix) {
  take_linear(into, source, prefix,
              {{"attention.q_proj", "self_attn.q_proj"},
               {"attention.k_proj", "self_attn.k_proj"},
               {"attention.v_proj", "self_attn.v_proj"},
               {"attention.o_proj", "self_attn.o_proj"}});
}

void take_llama_mlp(Tensors& into, const TensorSource& source, const std::string& prefix) {
  take_linear(into, source, prefix,
              {{"mlp.gate_proj", "mlp.gate_proj"},
               {"mlp.up_proj", "mlp.up_proj"},
               {"mlp.down_proj", "mlp.down_proj"}});
}

at::Tensor reshaped(const at::Tensor& tensor, const std::vector<std::int64_t>& shape,
                    const std::string& name) {
  if (tensor.numel() == c10::multiply_integers(shape)) return tensor.reshape(shape);
  throw BadFile({"a tensor has another shape than the configuration says", printable(name),
                 concat("as many elements as ", at::IntArrayRef(shape)), concat(tensor.sizes()),
                 "check that config.json belongs to these weights"});
}

ConfigReader text_config(const ConfigReader& outer, nlohmann::json defaults) {
  if (!outer.has("text_config")) return outer;
  if (outer.has("tie_word_embeddings")) {
    defaults["tie_word_embeddings"] = outer.flag("tie_word_embeddings", false);
  }
  return outer.object("text_config").over(std::move(defaults));
}

ModelConfig common_config(const ConfigReader& config) {
  ModelConfig model;
  model.model_type = config.text("model_type", "");
  model.vocabulary = config.size("vocab_size");
  model.width = config.size("hidden_size");
  model.context_length = config.size("max_position_embeddings", 2048);
  model.norm_epsilon = config.epsilon("rms_norm_eps", 1e-6);
  return model;
}

nn::AttentionConfig common_attention(const ConfigReader& config, const ModelConfig& model) {
  nn::AttentionConfig attention;
  attention.width = model.width;
  attention.heads = config.size("num_attention_heads");
  attention.key_heads = config.size("num_key_value_heads", attention.heads);
  attention.head_size =
      config.size("head_dim", std::max<std::int64_t>(1, model.width / attention.heads));
  attention.norm_epsilon = model.norm_epsilon;
  if (attention.heads % attention.key_heads != 0) {
    config.refuse("num_key_value_heads", concat("a divisor of ", attention.heads, " heads"));
  }
  return attention;
}

nn::MlpKind gelu_of(const ConfigReader& config, const std::string& name,
                    const std::string& otherwise) {
  const std::string kind = config.text(name, otherwise);
  if (kind == "gelu") return nn::MlpKind::gelu;
  if (kind == "gelu_new" || kind == "gelu_pytorch_tanh" || kind == "gelu_fast") {
    return nn::MlpKind::gelu_tanh;
  }
  config.unsupported(name, "gelu, gelu_new, gelu_pytorch_tanh or gelu_fast");
}

std::vector<std::string> layer_types(const ConfigReader& config, std::int64_t layers,
                                     const std::function<std::string(std::int64_t)>& otherwise) {
  std::vector<std::string> types = config.texts("layer_types");
  if (types.empty()) {
    for (std::int64_t layer = 0; layer < layers; ++layer) types.push_back(otherwise(layer));
  }
  if (static_cast<std::int64_t>(types.size()) != layers) {
    config.refuse("layer_types", concat("one entry for each of ", layers, " layers"));
  }
  for (const std::string& type : types) {
    if (type != "full_attention" && type != "sliding_attention" && type != "linear_attention") {
      config.unsupported("layer_types", "full_attention, sliding_attention or linear_attention");
    }
  }
  return types;
}

LayerConfig softmax_layer(const ConfigReader& config, const std::string& type,
                          nn::AttentionConfig attention,
                          const std::variant<MlpConfig, nn::ExpertsConfig>& mlp,
                          std::int64_t window) {
  if (type == "linear_attention") config.unsupported("layer_types", "softmax attention");
  if (type == "sliding_attention") {
    attention.window =
        window > 0 ? config.size("sliding_window", window) : config.size("sliding_window");
  }
  return {std::move(attention), mlp, 0};
}

}  // namespace sinkwise::pretrained
