#pragma once

#include <filesystem>

#include "components.h"
#include "pipeline.h"
#include "vocabulary.h"

namespace sinkwise::tokenizer {

// One reader a kind of file; Tokenizer::load() chooses.
Pipeline read_tokenizer_json(const std::filesystem::path& path);
Pipeline read_gpt2_files(const std::filesystem::path& vocab_json,
                         const std::filesystem::path& merges_txt);
Pipeline read_llama2c(const std::filesystem::path& path);

inline constexpr std::uint64_t kMaxTokenizerBytes = std::uint64_t{256} << 20;

// Tokens of a vocabulary that is not byte-level as text: bytes, and spaces for marks.
TokenTable text_of_tokens(const Vocabulary& vocabulary, const TextDecoder& decoder);

}  // namespace sinkwise::tokenizer
