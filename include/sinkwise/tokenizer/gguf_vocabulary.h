#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sinkwise/tokenizer/tokenizer.h"

namespace sinkwise::tokenizer {

// The members tokenizer.ggml.* of a GGUF file, as they stand there. Whoever reads the file fills in
// what it has.
struct GgufVocabulary {
  std::string model;                // tokenizer.ggml.model: "gpt2" or "llama"
  std::string pre;                  // "gpt2": tokenizer.ggml.pre, the pre-tokenizer's name
  std::vector<std::string> tokens;  // by id
  std::vector<std::int32_t> types;  // by id, may be empty: 1 normal, 2 unknown, 3 control, 4 user
                                    // defined, 5 unused, 6 byte
  std::vector<std::string> merges;  // "gpt2": by rank, "left right"
  std::vector<float> scores;        // "llama": by id
  std::optional<std::int64_t> bos_token_id;
  std::optional<std::int64_t> eos_token_id;
  std::optional<std::int64_t> unknown_token_id;
  std::optional<std::int64_t> padding_token_id;
  std::optional<bool> add_bos_token;     // default: true for "llama" and Llama 3's pre-tokenizer
  std::optional<bool> add_eos_token;     // default: false
  std::optional<bool> add_space_prefix;  // "llama", default: true
  std::optional<std::string> chat_template;  // tokenizer.chat_template; only written on
};

// `where` names the file in errors. BadFile for vectors of different lengths, ids out of range,
// repeated tokens, scores that are not finite, merges of unknown tokens; Unsupported for another
// model or pre-tokenizer, whose names the message lists.
Tokenizer tokenizer_from_gguf(const GgufVocabulary& vocabulary, const std::string& where);

}  // namespace sinkwise::tokenizer
