#include "family.h"
#include "mxfp4.h"
#include "rotary.h"
#include "sinkwise/core/error.h"

// GPT-OSS: a learned sink a head, every other layer with a window, YaRN, biases, and a mixture of
// experts whose released weights are MXFP4.

namespace sinkwise::pretrained {
namespace {

// GptOssConfig's, where the file says nothing of rotations.
const nlohmann::json kRotary = {{"rope_type", "yarn"}, {"factor", 32.0},
                                {"beta_fast", 32.0},   {"beta_slow", 1.0},
                                {"truncate", false},   {"original_max_position_embeddings", 4096}};

ModelConfig gpt_oss_config(const ConfigReader& file) {
  const ConfigReader config =
      file.has("rope_parameters")
          ? file
          : file.without("rope_parameters").over({{"rope_parameters", kRotary}});
  ModelConfig model = common_config(config);
  nn::AttentionConfig attention = common_attention(config, model);
  attention.head_size = config.size("head_dim", 64);
  attention.mechanism = nn::Mechanism::sink;
  attention.input_bias = attention.output_bias = config.flag("attention_bias", true);
  model.tied_embedding = config.flag("tie_word_embeddings", false);
  model.rotary = {rotary_of(config, attention.head_size, 150000.0)};
  nn::ExpertsConfig experts;
  experts.kind = nn::ExpertKind::clamped;
  experts.width = model.width;
  experts.hidden = config.size("intermediate_size");
  experts.experts = config.size("num_local_experts");
  experts.used = config.size("num_experts_per_tok", config.size("experts_per_token", 4));
  if (experts.used > experts.experts) config.refuse("num_experts_per_tok", "at most all experts");
  experts.limit = config.number("swiglu_limit", 7.0);
  experts.alpha = config.number("swiglu_alpha", 1.702);
  const auto types = layer_types(
      config, config.layers("num_hidden_layers"),
      [](std::int64_t layer) { return layer % 2 == 0 ? "sliding_attention" : "full_attention"; });
  for (const std::string& type : types) {
    model.layers.push_back(softmax_layer(config, type, attention, experts, 128));
  }
  return model;
}

// [E, rows, columns], whether the file holds numbers or blocks of MXFP4. Numbers lie as [E, in,
// out] and are turned.
at::Tensor expert_matrices(const TensorSource& source, const std::string& name) {
  if (source.has(name)) return source.read(name).transpose(1, 2);
  return mxfp4_matrices(source.read(name + "_blocks"), source.read(name + "_scales"), name);
}

// Gate and up alternate along dimension 1; ours are one after the other.
at::Tensor gate_then_up(const at::Tensor& mixed, const nn::ExpertsConfig& experts,
                        const std::string& name) {
  std::vector<std::int64_t> shape{experts.experts, experts.hidden, 2};
  if (mixed.dim() == 3) shape.push_back(experts.width);
  return reshaped(mixed, shape, name).transpose(1, 2).flatten(1, 2);
}

Tensors gpt_oss_block(const TensorSource& source, const std::string& prefix, const ModelConfig&,
                      const LayerConfig& layer) {
  Tensors tensors;
  take(tensors, source, prefix,
       {{"input_norm.weight", "input_layernorm.weight"},
        {"mlp_norm.weight", "post_attention_layernorm.weight"},
        {"attention.sinks", "self_attn.sinks"},
        {"experts.down_proj_bias", "mlp.experts.down_proj_bias"}});
  take_llama_attention(tensors, source, prefix);
  take_linear(tensors, source, prefix, {{"experts.router", "mlp.router"}});
  const auto& experts = std::get<nn::ExpertsConfig>(layer.mlp);
  const std::string gate_up = prefix + "mlp.experts.gate_up_proj";
  tensors["experts.gate_up_proj"] =
      gate_then_up(expert_matrices(source, gate_up), experts, gate_up);
  tensors["experts.gate_up_proj_bias"] =
      gate_then_up(source.read(gate_up + "_bias"), experts, gate_up + "_bias");
  tensors["experts.down_proj"] = expert_matrices(source, prefix + "mlp.experts.down_proj");
  return tensors;
}

}  // namespace

Family gpt_oss_family() {
  return {.name = "gpt_oss",
          .model_types = {"gpt_oss"},
          .config = gpt_oss_config,
          .layer = "model.layers.{}.",
          .embedding = "model.embed_tokens.weight",
          .final_norm = "model.norm",
          .output = "lm_head.weight",
          .block = gpt_oss_block};
}

}  // namespace sinkwise::pretrained
