#include "convert.h"

#include <cmath>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::pretrained {
namespace {

using nn::Mechanism;

std::vector<std::string> parameters_of(Mechanism mechanism) {
  if (mechanism == Mechanism::sink) return {"attention.sinks"};
  if (nn::is_gated(mechanism)) return {"attention.gate_proj.weight", "attention.gate_proj.bias"};
  return {};
}

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

}  // namespace

Conversion Conversion::to(Mechanism mechanism) {
  if (mechanism == Mechanism::sink) return {mechanism, -1e4};
  if (nn::is_gated(mechanism)) return {mechanism, 4.0};
  return {};
}

ConfigReader as_its_family_says(const ConfigReader& config) {
  const std::string type = config.text("model_type", "");
  if (!type.starts_with(kConvertedPrefix)) return config;
  nlohmann::json plain = config.json();
  plain["model_type"] = type.substr(std::size(kConvertedPrefix) - 1);
  return {std::move(plain), config.where()};
}

Mechanism converted_mechanism(const ConfigReader& config) {
  const ConfigReader ours = config.object("sinkwise");
  const std::string text = ours.text("mechanism", "vanilla");
  for (const Mechanism mechanism : {Mechanism::vanilla, Mechanism::sink, Mechanism::gated_headwise,
                                    Mechanism::gated_elementwise}) {
    if (nn::name(mechanism) == text) return mechanism;
  }
  ours.refuse("mechanism", "sink, gated_headwise or gated_elementwise");
}

void convert(ModelConfig& config, Mechanism mechanism) {
  for (LayerConfig& layer : config.layers) {
    auto* attention = std::get_if<nn::AttentionConfig>(&layer.mixer);
    if (attention == nullptr) continue;
    if (attention->mechanism != Mechanism::vanilla) {
      throw Unsupported({"a model has a mechanism of its own already", config.model_type,
                         "plain softmax attention", nn::name(attention->mechanism),
                         "fine-tune it as it is"});
    }
    attention->mechanism = mechanism;
    attention->gate_projection_bias = nn::is_gated(mechanism);
  }
}

std::string converted_name(const std::string& prefix, const std::string& ours) {
  return concat(prefix, "sinkwise.", ours.substr(ours.find('.') + 1));
}

bool is_converted_parameter(const std::string& ours, const Conversion& conversion) {
  const auto names = parameters_of(conversion.mechanism);
  return std::find(names.begin(), names.end(), ours) != names.end();
}

void add_converted(Tensors& tensors, const TensorSource& source, const std::string& prefix,
                   const nn::AttentionConfig& attention, const Conversion& conversion) {
  const auto names = parameters_of(attention.mechanism);
  if (source.has(converted_name(prefix, names.front()))) {
    for (const std::string& name : names) tensors[name] = source.read(converted_name(prefix, name));
    return;
  }
  if (attention.mechanism == Mechanism::sink) {
    tensors[names[0]] = at::full({attention.heads}, conversion.start);
    return;
  }
  const bool headwise = attention.mechanism == Mechanism::gated_headwise;
  const std::int64_t gates = attention.heads * (headwise ? 1 : attention.head_size);
  tensors[names[0]] = at::zeros({gates, attention.width});
  tensors[names[1]] = at::full({gates}, conversion.start);
  at::Tensor& output = tensors["attention.o_proj.weight"];
  output = output / sigmoid(conversion.start);
}

}  // namespace sinkwise::pretrained
