#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sinkwise/tokenizer/gguf_vocabulary.h"

namespace sinkwise::tokenizer {

// What reading a vocabulary of GGUF and writing it as tokenizer.json share.

inline constexpr std::string_view kSpaceMark = "\u2581";  // SentencePiece's, for a space

enum class GgufTokenType : std::int32_t {
  normal = 1,
  unknown,
  control,
  user_defined,
  unused,
  byte
};

// normal where the vocabulary has no types.
GgufTokenType gguf_token_type(const GgufVocabulary& vocabulary, std::size_t id);

// Whether a text may name the token only where special text is control.
bool is_special_type(GgufTokenType type);

// What a name in tokenizer.ggml.pre stands for. The published tokenizer of the models that carry
// the name decides, not what other readers of GGUF do with it: Qwen 2 normalises to NFC.
struct GgufPreTokenizer {
  std::string_view name;
  std::string_view first;        // pattern
  std::string_view second = {};  // applied to the pieces of the first
  bool ignore_merges = false;
  bool add_begin = false;  // unless the file says otherwise
  bool nfc = false;
};

// Unsupported, with `where` and the names that are known, for any other.
const GgufPreTokenizer& find_gguf_pre_tokenizer(const std::string& name, const std::string& where);

// A vocabulary asks in tokenizer.ggml.`member` for a tokenizer that is not built in.
[[noreturn]] void refuse_gguf_tokenizer(const std::string& where, const char* member,
                                        const std::string& expected, const std::string& found);

}  // namespace sinkwise::tokenizer
