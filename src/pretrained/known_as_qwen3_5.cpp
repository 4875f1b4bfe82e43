#include <algorithm>

#include "convert.h"
#include "known_as.h"
#include "sinkwise/core/text.h"

// A Qwen3 with a gate for every channel is a Qwen3.5 whose layers all have softmax attention, and
// biases for the sake of the gates'. Gates a head are of no Qwen3.5.

namespace sinkwise::pretrained {
namespace {

using nlohmann::json;

bool applies(const Model& model) {
  const ModelConfig& config = model.config();
  if (model.options().conversion.mechanism != nn::Mechanism::gated_elementwise) return false;
  return config.model_type == "qwen3" &&
         std::none_of(config.layers.begin(), config.layers.end(),
                      [](const LayerConfig& layer) { return layer.attention()->window; });
}

json config_of(json qwen3, const Model& model) {
  qwen3["rope_parameters"] = rope_parameters(qwen3);
  qwen3["rope_parameters"]["partial_rotary_factor"] = 1.0;
  say_outright(qwen3, model);
  qwen3.erase("sliding_window");
  qwen3["model_type"] = "qwen3_5_text";
  qwen3["architectures"] = {"Qwen3_5ForCausalLM"};
  qwen3["attention_bias"] = true;
  return qwen3;
}

// [H, 2, D, ...]: each head's query, then its gate.
at::Tensor side_by_side(const at::Tensor& query, const at::Tensor& gate, std::int64_t heads) {
  const auto by_head = [&](const at::Tensor& rows) { return rows.unflatten(0, {heads, -1}); };
  return at::stack({by_head(query), by_head(gate)}, 1).flatten(0, 2);
}

void lay_out(Tensors& files, const Tensors& values, const TensorSource& source,
             const std::string& prefix, const nn::AttentionConfig& attention) {
  const auto put = [&](const std::string& name, const at::Tensor& value) {
    files[source.name_in_folder(prefix + name)] = value;
  };
  for (const char* part : {"weight", "bias"}) {
    files.erase(converted_name(prefix, concat("attention.gate_proj.", part)));
  }
  put("self_attn.q_proj.weight",
      side_by_side(values.at("attention.q_proj.weight"), values.at("attention.gate_proj.weight"),
                   attention.heads));
  put("self_attn.q_proj.bias",
      side_by_side(bias_of(values, "q_proj"), bias_of(values, "gate_proj"), attention.heads));
  for (const char* projection : {"k_proj", "v_proj", "o_proj"}) {
    put(concat("self_attn.", projection, ".bias"), bias_of(values, projection));
  }
  put("self_attn.q_norm.weight", values.at("attention.q_norm.weight") - 1.0);
  put("self_attn.k_norm.weight", values.at("attention.k_norm.weight") - 1.0);
  put("input_layernorm.weight", values.at("input_norm.weight") - 1.0);
  put("post_attention_layernorm.weight", values.at("mlp_norm.weight") - 1.0);
}

}  // namespace

KnownAs qwen3_5() {
  return {.applies = applies, .config = config_of, .lay_out = lay_out, .norms_around_0 = true};
}

}  // namespace sinkwise::pretrained
