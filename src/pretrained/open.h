#pragma once

#include <filesystem>
#include <memory>

#include "config_reader.h"
#include "sinkwise/tokenizer/tokenizer.h"
#include "tensor_source.h"

namespace sinkwise::pretrained {

struct Opened {
  ConfigReader config;  // a config.json, or what it would be for a GGUF file
  std::unique_ptr<TensorSource> source;
  at::Tensor rotary_factors;  // [R / 2] that divide the frequencies (GGUF), or undefined
};

Opened open_model(const std::filesystem::path& path);
tokenizer::Tokenizer open_tokenizer(const std::filesystem::path& path);

// --- GGUF (gguf_source.cpp) ---

// The config.json that Hugging Face would have for this file. Unsupported for an architecture that
// is not built in.
ConfigReader gguf_config(const weights::Weights& weights, const std::string& where);
tokenizer::Tokenizer gguf_tokenizer(const weights::Weights& weights, const std::string& where);

}  // namespace sinkwise::pretrained
