// Any bytes as the file that a model's sizes are read from (config.json, or the header of a GGUF
// file or of a checkpoint of llama2.c) are refused with one of our errors, or they are a
// configuration that holds what the rest of the program takes for granted. Nothing is computed with
// it.
#include <cmath>
#include <cstdlib>

#include "fuzz/memory_file.h"
#include "pretrained/family.h"
#include "pretrained/open.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/json.h"

namespace {

using namespace sinkwise::pretrained;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const ModelConfig& model) {
  constexpr std::int64_t kLargest = std::int64_t{1} << 24;
  for (const std::int64_t size : {model.vocabulary, model.width, model.context_length}) {
    require(size >= 1 && size <= kLargest);
  }
  require(!model.layers.empty() && model.layers.size() <= 4096);
  for (const RotaryConfig& rotary : model.rotary) {
    require(std::isfinite(rotary.scale) && at::isfinite(rotary.frequency).all().item<bool>());
  }
  for (const LayerConfig& layer : model.layers) {
    require(!layer.rotary || *layer.rotary < model.rotary.size());
    if (const auto* attention = layer.attention()) {
      require(attention->heads >= 1 && attention->head_size >= 1 && attention->key_heads >= 1);
      require(attention->heads % attention->key_heads == 0);
      require(!attention->window || *attention->window >= 1);
      require(!attention->scale || std::isfinite(*attention->scale));
    }
  }
}

ConfigReader read(const std::uint8_t* data, std::size_t size) {
  static sinkwise::test::MemoryFile memory;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.starts_with("GGUF")) {
    auto weights = sinkwise::weights::Weights::open(memory.hold(data, size));
    ConfigReader config = gguf_config(weights, "x.gguf");
    gguf_source(std::move(weights))->names();
    return config;
  }
  if (text.starts_with('{')) {
    return {sinkwise::parse_json(text, "config.json", std::size_t{1} << 20), "config.json"};
  }
  return open_llama2c(memory.hold(data, size)).config;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const ConfigReader config = read(data, size);
    check(family_of(config.text("model_type", ""), config.where()).config(config));
  } catch (const sinkwise::Error& error) {
    require(error.fault() != sinkwise::Fault::internal);
  }
  return 0;
}
