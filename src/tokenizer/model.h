#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "merging.h"
#include "pair_table.h"
#include "sinkwise/tokenizer/token_id.h"
#include "token_table.h"

namespace sinkwise::tokenizer {

// Turns words into tokens. May be used from many threads.
class Model {
 public:
  virtual ~Model() = default;

  // Appends the tokens of `word`, well-formed UTF-8 and not empty. BadArgument for a character that
  // the vocabulary cannot express.
  virtual void encode(std::string_view word, MergeScratch& scratch,
                      std::vector<TokenId>& ids) const = 0;

  // The token of these bytes (byte level) or of this text; kAbsent when there is none.
  virtual TokenId find(std::string_view content) const = 0;
};

// Ids of the tokens that stand for single bytes; -1 where there is none.
using ByteIds = std::array<TokenId, 256>;

// Byte-pair encoding by the rank of merges.
struct RankedBpeParts {
  TokenTable tokens;  // id -> bytes (byte level) or text
  TokenIndex index;   // of the tokens that merges can make
  PairTable merges;
  bool byte_level = true;      // symbols are bytes, else characters
  bool ignore_merges = false;  // a word that is a token as a whole is that token
  ByteIds bytes{};  // byte level: the symbols; else what an unknown character falls back to
  std::optional<TokenId> unknown;
  bool fuse_unknown = false;  // unknown neighbours are one token
};

class RankedBpe final : public Model {
 public:
  explicit RankedBpe(RankedBpeParts parts) : parts_(std::move(parts)) {}

  void encode(std::string_view word, MergeScratch& scratch,
              std::vector<TokenId>& ids) const override;
  TokenId find(std::string_view content) const override {
    return parts_.index.find(parts_.tokens, content);
  }

 private:
  void append_bytes(std::string_view word, std::vector<Symbol>& symbols) const;
  void append_characters(std::string_view word, std::vector<Symbol>& symbols) const;
  void append_unknown(std::string_view word, std::size_t begin, std::size_t size,
                      std::vector<Symbol>& symbols) const;

  RankedBpeParts parts_;
};

// Byte-pair encoding by the score of tokens: of all neighbours whose text together is a token,
// those with the best score are merged first, the leftmost on a tie (SentencePiece, llama2.c).
struct ScoredBpeParts {
  TokenTable tokens;  // id -> text
  TokenIndex index;   // of the tokens that merges can make
  std::vector<float> scores;
  ByteIds bytes{};                 // what an unknown character falls back to
  std::optional<TokenId> unknown;  // and that, where a byte is missing
  // llama2.c falls back before merging, SentencePiece after: then an unknown character can still
  // become part of a token.
  bool unknown_characters_merge = true;
};

class ScoredBpe final : public Model {
 public:
  explicit ScoredBpe(ScoredBpeParts parts) : parts_(std::move(parts)) {}

  void encode(std::string_view word, MergeScratch& scratch,
              std::vector<TokenId>& ids) const override;
  TokenId find(std::string_view content) const override {
    return parts_.index.find(parts_.tokens, content);
  }

 private:
  std::optional<Merge> merge_of(std::string_view text) const;
  void append_fallback(std::string_view text, std::vector<TokenId>& ids) const;

  ScoredBpeParts parts_;
};

// What a model throws for a character, or a byte of one, that the vocabulary cannot express.
[[noreturn]] void refuse_inexpressible(std::string_view character, std::size_t byte);

}  // namespace sinkwise::tokenizer
