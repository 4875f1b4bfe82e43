#include <cmath>

#include "convert.h"
#include "known_as.h"

// Llama and its like with learned sinks are Granite with windows whose factors are all 1.

namespace sinkwise::pretrained {
namespace {

using nlohmann::json;

bool applies(const Model& model) {
  const ModelConfig& config = model.config();
  return model.options().conversion.mechanism == nn::Mechanism::sink && config.family == "llama" &&
         !config.layers.front().attention()->qk_norm;
}

json config_of(json llama, const Model& model) {
  const nn::AttentionConfig& attention = *model.config().layers.front().attention();
  llama["rope_parameters"] = rope_parameters(llama);
  say_outright(llama, model);
  // Where no layer has a window, transformers wants to know its size all the same.
  if (llama.value("sliding_window", json()).is_null()) {
    llama["sliding_window"] = model.config().context_length;
  }
  llama["model_type"] = "granite_swa";
  llama["architectures"] = {"GraniteSWAForCausalLM"};
  llama["attention_bias"] = attention.input_bias || attention.output_bias;
  llama["attention_multiplier"] = 1.0 / std::sqrt(static_cast<double>(attention.head_size));
  return llama;
}

void lay_out(Tensors& files, const Tensors& values, const TensorSource& source,
             const std::string& prefix, const nn::AttentionConfig& attention) {
  files.erase(converted_name(prefix, "attention.sinks"));
  files[source.name_in_folder(prefix + "self_attn.sinks")] = values.at("attention.sinks");
  if (attention.input_bias && !attention.output_bias) {  // Qwen2
    files[source.name_in_folder(prefix + "self_attn.o_proj.bias")] = bias_of(values, "o_proj");
  }
}

}  // namespace

KnownAs granite_swa() { return {.applies = applies, .config = config_of, .lay_out = lay_out}; }

}  // namespace sinkwise::pretrained
