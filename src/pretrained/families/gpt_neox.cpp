#include "family.h"
#include "rotary.h"

// GPT-NeoX and Pythia: query, key and value of a head stored together, part of each head rotated,
// and a residual that attention and MLP read in parallel.

namespace sinkwise::pretrained {
namespace {

ModelConfig gpt_neox_config(const ConfigReader& config) {
  ModelConfig model = common_config(config);
  model.norm = nn::NormKind::layer;
  model.norm_epsilon = config.epsilon("layer_norm_eps", 1e-5);
  model.parallel_residual = config.flag("use_parallel_residual", true);
  model.tied_embedding = config.flag("tie_word_embeddings", false);
  nn::AttentionConfig attention = common_attention(config, model);
  attention.input_bias = attention.output_bias = config.flag("attention_bias", true);
  const auto rotary_size = rotary_size_of(config, attention.head_size, "rotary_pct", 0.25);
  model.rotary = {rotary_of(config, rotary_size, kRotaryBase, "rotary_emb_base")};
  const MlpConfig mlp{gelu_of(config, "hidden_act", "gelu"), config.size("intermediate_size"),
                      true};
  model.layers.assign(static_cast<std::size_t>(config.layers("num_hidden_layers")),
                      LayerConfig{attention, mlp, 0});
  return model;
}

Tensors gpt_neox_block(const TensorSource& source, const std::string& prefix, const ModelConfig&,
                       const LayerConfig& layer) {
  Tensors tensors;
  take_linear(tensors, source, prefix,
              {{"input_norm", "input_layernorm"},
               {"mlp_norm", "post_attention_layernorm"},
               {"attention.o_proj", "attention.dense"},
               {"mlp.up_proj", "mlp.dense_h_to_4h"},
               {"mlp.down_proj", "mlp.dense_4h_to_h"}});
  Tensors fused;
  take_linear(fused, source, prefix, {{"qkv", "attention.query_key_value"}});
  const auto& attention = *layer.attention();
  for (const auto& [name, tensor] : fused) {
    // [H, 3, D, ...]: query, key and value of one head, then the next.
    std::vector<std::int64_t> by_head{attention.heads, 3, attention.head_size};
    if (tensor.dim() == 2) by_head.push_back(attention.width);
    const at::Tensor heads = reshaped(tensor, by_head, prefix + "attention.query_key_value");
    const std::string kind = name.substr(name.rfind('.'));
    constexpr const char* kNames[] = {"q", "k", "v"};
    for (std::int64_t i = 0; i < 3; ++i) {
      tensors[std::string("attention.") + kNames[i] + "_proj" + kind] =
          heads.select(1, i).flatten(0, 1);
    }
  }
  return tensors;
}

}  // namespace

Family gpt_neox_family() {
  return {.name = "gpt_neox",
          .model_types = {"gpt_neox"},
          .config = gpt_neox_config,
          .layer = "gpt_neox.layers.{}.",
          .embedding = "gpt_neox.embed_in.weight",
          .final_norm = "gpt_neox.final_layer_norm",
          .output = "embed_out.weight",
          .block = gpt_neox_block};
}

}  // namespace sinkwise::pretrained
