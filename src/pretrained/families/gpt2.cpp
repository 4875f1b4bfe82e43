#include "family.h"

// GPT-2: learned positions, biases everywhere, and matrices stored as [in, out].

namespace sinkwise::pretrained {
namespace {

ModelConfig gpt2_config(const ConfigReader& config) {
  ModelConfig model;
  model.model_type = "gpt2";
  model.vocabulary = config.size("vocab_size");
  model.width = config.size("n_embd");
  model.context_length = config.size("n_positions", config.size("n_ctx", 1024));
  model.norm = nn::NormKind::layer;
  model.norm_epsilon = config.epsilon("layer_norm_epsilon", 1e-5);
  model.learned_positions = true;
  model.tied_embedding = config.flag("tie_word_embeddings", true);
  if (config.flag("scale_attn_by_inverse_layer_idx", false)) {
    config.unsupported("scale_attn_by_inverse_layer_idx", "false");
  }
  if (!config.flag("scale_attn_weights", true)) config.unsupported("scale_attn_weights", "true");
  nn::AttentionConfig attention;
  attention.width = model.width;
  attention.heads = attention.key_heads = config.size("n_head");
  attention.head_size = std::max<std::int64_t>(1, model.width / attention.heads);
  attention.input_bias = attention.output_bias = true;
  const MlpConfig mlp{gelu_of(config, "activation_function", "gelu_new"),
                      config.size("n_inner", 4 * model.width), true};
  model.layers.assign(static_cast<std::size_t>(config.layers("n_layer")),
                      LayerConfig{attention, mlp, {}});
  return model;
}

Tensors gpt2_block(const TensorSource& source, const std::string& prefix, const ModelConfig&,
                   const LayerConfig&) {
  Tensors tensors;
  take_linear(tensors, source, prefix, {{"input_norm", "ln_1"}, {"mlp_norm", "ln_2"}});
  Tensors turned;
  take_linear(turned, source, prefix,
              {{"attention.qkv", "attn.c_attn"},
               {"attention.o_proj", "attn.c_proj"},
               {"mlp.up_proj", "mlp.c_fc"},
               {"mlp.down_proj", "mlp.c_proj"}});
  for (auto& [name, tensor] : turned) {
    if (tensor.dim() == 2) tensor = tensor.t();  // [in, out]
    if (!name.starts_with("attention.qkv")) {
      tensors[name] = tensor;
      continue;
    }
    const std::string kind = name.substr(name.rfind('.'));  // .weight or .bias
    const auto parts = tensor.chunk(3, 0);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      constexpr const char* kNames[] = {"q", "k", "v"};
      tensors[std::string("attention.") + kNames[i] + "_proj" + kind] = parts[i];
    }
  }
  return tensors;
}

}  // namespace

Family gpt2_family() {
  return {.name = "gpt2",
          .model_types = {"gpt2"},
          .config = gpt2_config,
          .layer = "transformer.h.{}.",
          .embedding = "transformer.wte.weight",
          .final_norm = "transformer.ln_f",
          .output = "lm_head.weight",
          .positions = "transformer.wpe.weight",
          .turned_matrices = true,
          .block = gpt2_block};
}

}  // namespace sinkwise::pretrained
