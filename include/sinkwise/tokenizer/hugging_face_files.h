#pragma once

#include <string>

#include "sinkwise/tokenizer/gguf_vocabulary.h"

namespace sinkwise::tokenizer {

// The texts of two files that Tokenizer::load(), `tokenizers` and transformers read.
struct HuggingFaceFiles {
  std::string tokenizer_json;
  std::string tokenizer_config_json;
};

// What tokenizer_from_gguf(vocabulary, where) does, as files: the same ids for every text. `where`
// names the GGUF file in errors. BadFile and Unsupported as tokenizer_from_gguf(); Unsupported as
// well for a vocabulary of model "llama" whose scores no list of merges can follow
// (docs/tokenizers.md says when).
//
// BOS, EOS, unknown and padding token are named in tokenizer_config.json only where the types mark
// them as control, unknown or user defined: transformers finds a named token wherever its text
// occurs, which would change the ids of texts where the file calls it normal.
HuggingFaceFiles hugging_face_files(const GgufVocabulary& vocabulary, const std::string& where);

}  // namespace sinkwise::tokenizer
