#include "as_qwen3_5.h"

#include <algorithm>

#include "convert.h"
#include "sinkwise/core/text.h"

namespace sinkwise::pretrained {
namespace {

using nlohmann::json;

// [H, 2, D, ...]: each head's query, then its gate.
at::Tensor side_by_side(const at::Tensor& query, const at::Tensor& gate, std::int64_t heads) {
  const auto by_head = [&](const at::Tensor& rows) { return rows.unflatten(0, {heads, -1}); };
  return at::stack({by_head(query), by_head(gate)}, 1).flatten(0, 2);
}

json rope_parameters(const json& qwen3, const ConfigReader& config) {
  json rope = json::object();
  for (const char* name : {"rope_scaling", "rope_parameters"}) {
    if (config.has(name)) rope.update(qwen3.at(name));
  }
  if (rope.contains("type") && !rope.contains("rope_type")) rope["rope_type"] = rope["type"];
  rope.erase("type");
  rope.emplace("rope_type", "default");
  rope.emplace("rope_theta", config.number("rope_theta", 1e6));
  rope["partial_rotary_factor"] = 1.0;
  return rope;
}

}  // namespace

bool is_written_as_qwen3_5(const Model& model) {
  const ModelConfig& config = model.config();
  if (config.model_type != "qwen3") return false;
  if (model.options().conversion.mechanism != nn::Mechanism::gated_elementwise) return false;
  return std::all_of(config.layers.begin(), config.layers.end(), [](const LayerConfig& layer) {
    return layer.attention() != nullptr && !layer.attention()->window;
  });
}

json qwen3_5_config(json qwen3, const Model& model) {
  const ModelConfig& config = model.config();
  const nn::AttentionConfig& attention = *config.layers.front().attention();
  qwen3["rope_parameters"] = rope_parameters(qwen3, ConfigReader(qwen3, "config.json"));
  for (const char* name : {"rope_theta", "rope_scaling", "sliding_window", "use_sliding_window",
                           "max_window_layers", "sinkwise"}) {
    qwen3.erase(name);
  }
  qwen3["model_type"] = "qwen3_5_text";
  qwen3["architectures"] = {"Qwen3_5ForCausalLM"};
  qwen3["attention_bias"] = true;
  qwen3["layer_types"] = std::vector<std::string>(config.layers.size(), "full_attention");
  // The defaults of a Qwen3.5 are others.
  qwen3["head_dim"] = attention.head_size;
  qwen3["num_key_value_heads"] = attention.key_heads;
  qwen3["rms_norm_eps"] = config.norm_epsilon;
  qwen3["max_position_embeddings"] = config.context_length;
  qwen3["tie_word_embeddings"] = config.tied_embedding;
  return qwen3;
}

void lay_out_as_qwen3_5(Tensors& files, const Tensors& values, const TensorSource& source,
                        const std::string& prefix, const nn::AttentionConfig& attention) {
  const auto put = [&](const char* name, const at::Tensor& value) {
    files[source.name_in_folder(prefix + name)] = value;
  };
  const auto bias = [&](const std::string& projection) {
    const auto found = values.find(concat("attention.", projection, ".bias"));
    if (found != values.end()) return found->second;
    return at::zeros({values.at(concat("attention.", projection, ".weight")).size(0)});
  };
  for (const char* part : {"weight", "bias"}) {
    files.erase(converted_name(prefix, concat("attention.gate_proj.", part)));
  }
  put("self_attn.q_proj.weight",
      side_by_side(values.at("attention.q_proj.weight"), values.at("attention.gate_proj.weight"),
                   attention.heads));
  put("self_attn.q_proj.bias",
      side_by_side(bias("q_proj"), values.at("attention.gate_proj.bias"), attention.heads));
  put("self_attn.k_proj.bias", bias("k_proj"));
  put("self_attn.v_proj.bias", bias("v_proj"));
  put("self_attn.o_proj.bias", bias("o_proj"));
  put("self_attn.q_norm.weight", values.at("attention.q_norm.weight") - 1.0);
  put("self_attn.k_norm.weight", values.at("attention.k_norm.weight") - 1.0);
  put("input_layernorm.weight", values.at("input_norm.weight") - 1.0);
  put("post_attention_layernorm.weight", values.at("mlp_norm.weight") - 1.0);
}

bool is_norm_around_0(const std::string& name) { return name.ends_with("norm.weight"); }

}  // namespace sinkwise::pretrained
