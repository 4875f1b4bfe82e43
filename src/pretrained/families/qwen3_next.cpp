#include <set>

#include "family.h"
#include "rotary.h"
#include "sinkwise/core/text.h"

// Qwen3-Next and Qwen3.5: one gated attention layer after several of linear attention (the gated
// delta rule); norms multiply by 1 + weight, except the one inside linear attention. Qwen3-Next
// fuses what Qwen3.5 stores apart, and has experts.

namespace sinkwise::pretrained {
namespace {

nn::GatedDeltaConfig delta_config(const ConfigReader& config, const ModelConfig& model) {
  nn::GatedDeltaConfig delta;
  delta.width = model.width;
  delta.key_heads = config.size("linear_num_key_heads", 16);
  delta.key_size = config.size("linear_key_head_dim", 128);
  delta.value_heads = config.size("linear_num_value_heads", 32);
  delta.value_size = config.size("linear_value_head_dim", 128);
  delta.kernel = config.size("linear_conv_kernel_dim", 4);
  delta.norm_epsilon = model.norm_epsilon;
  if (delta.value_heads % delta.key_heads != 0) {
    config.refuse("linear_num_value_heads",
                  concat("a multiple of ", delta.key_heads, " key heads"));
  }
  return delta;
}

std::variant<MlpConfig, nn::ExpertsConfig> mlp_config(const ConfigReader& config,
                                                      const ModelConfig& model, std::int64_t layer,
                                                      const std::set<std::int64_t>& dense) {
  const bool sparse = config.has("num_experts") && !dense.contains(layer) &&
                      (layer + 1) % config.size("decoder_sparse_step", 1) == 0;
  if (!sparse) return MlpConfig{nn::MlpKind::swiglu, config.size("intermediate_size"), false};
  nn::ExpertsConfig experts;
  experts.width = model.width;
  experts.hidden = config.size("moe_intermediate_size");
  experts.experts = config.size("num_experts");
  experts.used = config.size("num_experts_per_tok");
  if (experts.used > experts.experts) config.refuse("num_experts_per_tok", "at most all experts");
  experts.normalised = config.flag("norm_topk_prob", true);
  experts.shared_hidden = config.size("shared_expert_intermediate_size");
  return experts;
}

// Qwen3_5TextConfig's, beside those that are read with a default below.
const nlohmann::json kDefaults = {{"vocab_size", 248320},
                                  {"hidden_size", 4096},
                                  {"intermediate_size", 12288},
                                  {"num_hidden_layers", 32},
                                  {"num_attention_heads", 16},
                                  {"num_key_value_heads", 4},
                                  {"max_position_embeddings", 32768}};

ModelConfig qwen3_next_config(const ConfigReader& outer) {
  const ConfigReader config = text_config(outer, kDefaults);
  if (!config.flag("attn_output_gate", true)) config.unsupported("attn_output_gate", "true");
  ModelConfig model = common_config(config);
  nn::AttentionConfig attention = common_attention(config, model);
  attention.head_size = config.size("head_dim", 256);
  attention.mechanism = nn::Mechanism::gated_elementwise;
  attention.qk_norm = true;
  attention.input_bias = attention.output_bias = attention.gate_projection_bias =
      config.flag("attention_bias", false);
  if (config.text("hidden_act", "silu") != "silu") config.unsupported("hidden_act", "silu");
  model.tied_embedding = config.flag("tie_word_embeddings", false);
  const auto rotary_size =
      rotary_size_of(config, attention.head_size, "partial_rotary_factor", 0.25);
  model.rotary = {rotary_of(config, rotary_size, kRotaryBase)};
  const std::int64_t interval = config.size("full_attention_interval", 4);
  const auto types =
      layer_types(config, config.layers("num_hidden_layers"), [&](std::int64_t layer) {
        return (layer + 1) % interval == 0 ? "full_attention" : "linear_attention";
      });
  const auto listed = config.sizes("mlp_only_layers");
  const std::set<std::int64_t> dense(listed.begin(), listed.end());
  for (std::size_t layer = 0; layer < types.size(); ++layer) {
    LayerConfig of_layer;
    of_layer.mlp = mlp_config(config, model, static_cast<std::int64_t>(layer), dense);
    if (types[layer] == "sliding_attention") config.unsupported("layer_types", "no windows");
    if (types[layer] == "linear_attention") {
      of_layer.mixer = delta_config(config, model);
    } else {
      of_layer.mixer = attention;
      of_layer.rotary = 0;
    }
    model.layers.push_back(of_layer);
  }
  return model;
}

// Each head of q_proj is [query D | gate D].
void split_query(Tensors& tensors, const TensorSource& source, const std::string& prefix,
                 const nn::AttentionConfig& attention, const std::string& part) {
  const std::string name = concat(prefix, "self_attn.q_proj.", part);
  std::vector<std::int64_t> shape = {attention.heads, 2, attention.head_size};
  if (part == "weight") shape.push_back(attention.width);
  const at::Tensor both = reshaped(source.read(name), shape, name);
  tensors["attention.q_proj." + part] = both.select(1, 0).flatten(0, 1);
  tensors["attention.gate_proj." + part] = both.select(1, 1).flatten(0, 1);
}

void take_attention(Tensors& tensors, const TensorSource& source, const std::string& prefix,
                    const nn::AttentionConfig& attention) {
  take_linear(tensors, source, prefix,
              {{"attention.k_proj", "self_attn.k_proj"},
               {"attention.v_proj", "self_attn.v_proj"},
               {"attention.o_proj", "self_attn.o_proj"}});
  split_query(tensors, source, prefix, attention, "weight");
  if (attention.input_bias) split_query(tensors, source, prefix, attention, "bias");
  for (const char* norm : {"q_norm.weight", "k_norm.weight"}) {
    tensors[std::string("attention.") + norm] = source.read(prefix + "self_attn." + norm) + 1.0;
  }
}

// Qwen3-Next stores all of one key head together, with the r value heads that share it:
// [query | key | r values | r z] and [r b | r a].
void split_projections(Tensors& tensors, const TensorSource& source, const std::string& prefix,
                       const nn::GatedDeltaConfig& d) {
  const auto r = d.value_heads / d.key_heads, values = r * d.value_size;
  std::string name = prefix + "linear_attn.in_proj_qkvz.weight";
  const at::Tensor qkvz =
      reshaped(source.read(name), {d.key_heads, 2 * d.key_size + 2 * values, d.width}, name);
  auto part = [&](const at::Tensor& stacked, std::int64_t from, std::int64_t count) {
    return stacked.narrow(1, from, count).flatten(0, 1);
  };
  tensors["linear_attention.in_proj_qkv.weight"] =
      at::cat({part(qkvz, 0, d.key_size), part(qkvz, d.key_size, d.key_size),
               part(qkvz, 2 * d.key_size, values)});
  tensors["linear_attention.in_proj_z.weight"] = part(qkvz, 2 * d.key_size + values, values);
  name = prefix + "linear_attn.in_proj_ba.weight";
  const at::Tensor ba = reshaped(source.read(name), {d.key_heads, 2 * r, d.width}, name);
  tensors["linear_attention.in_proj_b.weight"] = part(ba, 0, r);
  tensors["linear_attention.in_proj_a.weight"] = part(ba, r, r);
}

void take_linear_attention(Tensors& tensors, const TensorSource& source, const std::string& prefix,
                           const nn::GatedDeltaConfig& delta) {
  take(tensors, source, prefix,
       {{"linear_attention.A_log", "linear_attn.A_log"},
        {"linear_attention.dt_bias", "linear_attn.dt_bias"},
        {"linear_attention.conv1d_weight", "linear_attn.conv1d.weight"},
        {"linear_attention.norm.weight", "linear_attn.norm.weight"},
        {"linear_attention.out_proj.weight", "linear_attn.out_proj.weight"}});
  if (source.has(prefix + "linear_attn.in_proj_qkvz.weight")) {
    split_projections(tensors, source, prefix, delta);
    return;
  }
  take(tensors, source, prefix,
       {{"linear_attention.in_proj_qkv.weight", "linear_attn.in_proj_qkv.weight"},
        {"linear_attention.in_proj_z.weight", "linear_attn.in_proj_z.weight"},
        {"linear_attention.in_proj_b.weight", "linear_attn.in_proj_b.weight"},
        {"linear_attention.in_proj_a.weight", "linear_attn.in_proj_a.weight"}});
}

// Experts that the file stores one by one.
void take_experts(Tensors& tensors, const TensorSource& source, const std::string& prefix,
                  const nn::ExpertsConfig& experts) {
  std::vector<at::Tensor> gate_up, down;
  for (std::int64_t e = 0; e < experts.experts; ++e) {
    const std::string expert = concat(prefix, "mlp.experts.", e, ".");
    gate_up.push_back(at::cat(
        {source.read(expert + "gate_proj.weight"), source.read(expert + "up_proj.weight")}));
    down.push_back(source.read(expert + "down_proj.weight"));
  }
  tensors["experts.gate_up_proj"] = at::stack(gate_up);
  tensors["experts.down_proj"] = at::stack(down);
  take(tensors, source, prefix,
       {{"experts.router.weight", "mlp.gate.weight"},
        {"experts.shared_expert.gate_proj.weight", "mlp.shared_expert.gate_proj.weight"},
        {"experts.shared_expert.up_proj.weight", "mlp.shared_expert.up_proj.weight"},
        {"experts.shared_expert.down_proj.weight", "mlp.shared_expert.down_proj.weight"},
        {"experts.shared_expert_gate.weight", "mlp.shared_expert_gate.weight"}});
}

Tensors qwen3_next_block(const TensorSource& source, const std::string& prefix, const ModelConfig&,
                         const LayerConfig& layer) {
  Tensors tensors;
  tensors["input_norm.weight"] = source.read(prefix + "input_layernorm.weight") + 1.0;
  tensors["mlp_norm.weight"] = source.read(prefix + "post_attention_layernorm.weight") + 1.0;
  if (const auto* attention = layer.attention()) {
    take_attention(tensors, source, prefix, *attention);
  } else {
    take_linear_attention(tensors, source, prefix, std::get<nn::GatedDeltaConfig>(layer.mixer));
  }
  if (const auto* experts = std::get_if<nn::ExpertsConfig>(&layer.mlp)) {
    take_experts(tensors, source, prefix, *experts);
  } else {
    take_llama_mlp(tensors, source, prefix);
  }
  return tensors;
}

}  // namespace

Family qwen3_next_family() {
  return {.name = "qwen3_next",
          .model_types = {"qwen3_next", "qwen3_5", "qwen3_5_text"},
          .config = qwen3_next_config,
          .layer = "model.layers.{}.",
          .embedding = "model.embed_tokens.weight",
          .final_norm = "model.norm",
          .output = "lm_head.weight",
          .norm_offset = 1.0,
          .block = qwen3_next_block};
}

}  // namespace sinkwise::pretrained
