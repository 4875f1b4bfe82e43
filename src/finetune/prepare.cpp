#include <nlohmann/json.hpp>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/finetune/finetune.h"
#include "sinkwise/pretrained/adapter.h"
#include "sinkwise/pretrained/export.h"

namespace sinkwise::finetune {
namespace {

bool is_of_conversion(const std::string& name, nn::Mechanism mechanism) {
  if (mechanism == nn::Mechanism::sink) return name.ends_with("attention.sinks");
  return nn::is_gated(mechanism) && name.find("attention.gate_proj.") != std::string::npos &&
         name.find("lora_") == std::string::npos;
}

// Experts of four bits (GPT-OSS's folders) are read, but not packed again.
void check_numbers(const pretrained::Model& model) {
  const auto config = nlohmann::json::parse(model.config_json());
  const auto quantised = config.find("quantization_config");
  if (quantised == config.end() || quantised->is_null()) return;
  throw Unsupported({"packed experts cannot be trained", printable(model.path().string()),
                     "method=lora, or a model whose experts are plain numbers",
                     "method=full, and a quantization_config",
                     "train corrections, or start from the model before quantisation"});
}

}  // namespace

pretrained::Model open_model(const FinetuneConfig& config) {
  return pretrained::Model::open(config.model, {.adapter = {}, .conversion = config.conversion()});
}

std::shared_ptr<TunedModel> prepare(const pretrained::Model& model, const FinetuneConfig& config) {
  pretrained::check_export(model);
  auto loaded = std::make_shared<pretrained::LoadedModel>(model);
  if (config.method == Method::lora) {
    pretrained::add_adapter(*loaded, config.lora, static_cast<std::uint64_t>(config.run.seed));
  } else {
    check_numbers(model);
    for (at::Tensor& parameter : loaded->parameters()) parameter.set_requires_grad(true);
  }
  for (auto& item : loaded->named_parameters()) {
    if (is_of_conversion(item.key(), config.mechanism)) item.value().set_requires_grad(true);
  }
  return std::make_shared<TunedModel>(std::move(loaded), config.recompute);
}

}  // namespace sinkwise::finetune
