#pragma once

#include <filesystem>
#include <memory>

#include "config_reader.h"
#include "sinkwise/tokenizer/hugging_face_files.h"
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

// The tokens that end a text, by config.json and by generation_config.json beside it: eos_token_id,
// one id or several. May repeat one, or be empty.
std::vector<tokenizer::TokenId> end_tokens(const std::filesystem::path& path,
                                           const ConfigReader& config);

std::string open_chat_template(const std::filesystem::path& path);  // empty: none

// --- GGUF (gguf_config.cpp, gguf_tokenizer.cpp) ---

// tokenizer.json and tokenizer_config.json that say what the file does.
tokenizer::HuggingFaceFiles gguf_tokenizer_files(const weights::Weights& weights,
                                                 const std::string& where);

// The config.json that Hugging Face would have for this file. Unsupported for an architecture that
// is not built in.
ConfigReader gguf_config(const weights::Weights& weights, const std::string& where);
tokenizer::Tokenizer gguf_tokenizer(const weights::Weights& weights, const std::string& where);

// --- llama2.c (llama2c_source.cpp) ---

// Whether a path names a file *.bin that begins as a checkpoint of llama2.c does. BadFile when it
// cannot be read.
bool is_llama2c(const std::filesystem::path& path);
Opened open_llama2c(const std::filesystem::path& path);
// tokenizer.bin beside the file, or tok512.bin for a vocabulary of 512.
tokenizer::Tokenizer llama2c_tokenizer(const std::filesystem::path& path);

}  // namespace sinkwise::pretrained
