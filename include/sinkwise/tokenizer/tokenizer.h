#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sinkwise/tokenizer/token_id.h"

namespace sinkwise::tokenizer {

struct Pipeline;

// What "<|endoftext|>" in a text means.
enum class SpecialText {
  plain,    // those thirteen characters: right for text from outside
  control,  // the token: right for a prompt that the caller has put together
};

struct EncodeOptions {
  SpecialText special_text = SpecialText::plain;
  // Whether prefix() and suffix() go around the ids: the file's own rule, docs/tokenizers.md.
  bool add_special = true;
};

struct DecodeOptions {
  bool skip_special = false;  // leaves control tokens out of the text
};

// Text to token ids and back, as the file of a model says. Immutable, cheap to copy, and usable
// from many threads. The ids are those of the `tokenizers` library for the same file.
class Tokenizer {
 public:
  // Reads a file or the folder of a model, told apart by name:
  //   tokenizer.json     Hugging Face; tokenizer_config.json beside it decides BOS and EOS
  //   vocab.json         GPT-2's vocabulary, with merges.txt beside it
  //   *.bin              llama2.c
  // A folder is searched in the order tokenizer.json, vocab.json, tokenizer.bin. A GGUF file hands
  // its vocabulary over as GgufVocabulary. BadFile for a file that is missing or not valid,
  // Unsupported for one that asks for what this room does not do; both say where and what.
  static Tokenizer load(const std::filesystem::path& path);

  // BadArgument when the text is no UTF-8, longer than 1 GiB, or holds a character that a
  // vocabulary without unknown token cannot express; BadFile when a pattern of the file is too
  // costly for it.
  std::vector<TokenId> encode(std::string_view text, EncodeOptions options = {}) const;

  // The bytes of the tokens, which need not be UTF-8. BadArgument for an id without token.
  std::string decode(std::span<const TokenId> ids, DecodeOptions options = {}) const;

  // The largest id + 1; the embedding of a model may have more rows, never fewer.
  TokenId vocabulary_size() const;

  // The bytes that a token stands for; none for an id without token. Lives as long as a copy of
  // this.
  std::optional<std::string_view> bytes(TokenId id) const;

  // The token of that content: an added token as it is written, else bytes of a byte-level
  // vocabulary, else a SentencePiece text, whose spaces are U+2581.
  std::optional<TokenId> find(std::string_view content) const;

  // The same with another begin_of_text(); prefix() stays.
  Tokenizer beginning_with(TokenId id) const;

  bool is_special(TokenId id) const;  // a control token; false for an id without token
  std::optional<TokenId> begin_of_text() const;
  std::optional<TokenId> end_of_text() const;
  const std::vector<TokenId>& prefix() const;
  const std::vector<TokenId>& suffix() const;

  // For the readers of this room; see load().
  explicit Tokenizer(Pipeline pipeline);

 private:
  friend class TextStream;
  std::shared_ptr<const Pipeline> pipeline_;
  std::optional<TokenId> begin_of_text_;
};

// Decodes ids as they come, for a generator that prints while it writes.
class TextStream {
 public:
  explicit TextStream(Tokenizer tokenizer, DecodeOptions options = {});

  // The bytes that became certain: whole characters, and bytes that can begin none. The returned
  // pieces and the one of finish() together are what decode() gives. BadArgument as decode().
  std::string push(TokenId id);

  // What is left: the beginning of a character that never ended. The stream starts anew.
  std::string finish();

 private:
  Tokenizer tokenizer_;
  DecodeOptions options_;
  bool at_start_ = true;
  std::string pending_;
};

}  // namespace sinkwise::tokenizer
