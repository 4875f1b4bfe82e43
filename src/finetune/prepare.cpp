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
    for (at::Tensor& parameter : loaded->parameters()) parameter.set_requires_grad(true);
  }
  for (auto& item : loaded->named_parameters()) {
    if (is_of_conversion(item.key(), config.mechanism)) item.value().set_requires_grad(true);
  }
  return std::make_shared<TunedModel>(std::move(loaded), config.recompute);
}

}  // namespace sinkwise::finetune
