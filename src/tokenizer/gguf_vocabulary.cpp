#include "sinkwise/tokenizer/gguf_vocabulary.h"

#include <cmath>

#include "gguf_parts.h"
#include "readers.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::tokenizer {
namespace {

[[noreturn]] void refuse(const std::string& where, const char* member, std::string expected,
                         std::string found) {
  throw BadFile({.what = "the vocabulary of a GGUF file is not valid",
                 .where = concat(where, ", tokenizer.ggml.", member),
                 .expected = std::move(expected),
                 .found = std::move(found),
                 .next = "convert the model again, or fetch the file again"});
}

// One call of tokenizer_from_gguf().
class Builder {
 public:
  Builder(const GgufVocabulary& source, std::string where)
      : source_(source), where_(std::move(where)) {}

  Pipeline build() {
    check_sizes();
    if (source_.model != "gpt2" && source_.model != "llama") {
      refuse_gguf_tokenizer(where_, "model", "gpt2 or llama", source_.model);
    }
    for (std::size_t id = 0; id < source_.tokens.size(); ++id) {
      vocabulary_.add(static_cast<std::int64_t>(id), source_.tokens[id],
                      where_ + ", tokenizer.ggml.tokens");
    }
    const bool ranked = source_.model == "gpt2";
    const bool begins = ranked ? build_ranked() : build_scored();
    add_tokens();
    surround(begins);
    return std::move(pipeline_);
  }

 private:
  GgufTokenType type(TokenId id) const {
    return gguf_token_type(source_, static_cast<std::size_t>(id));
  }

  void check_sizes() const {
    const std::size_t count = source_.tokens.size();
    if (count == 0) refuse(where_, "tokens", "tokens", "none");
    const auto check = [&](const char* member, std::size_t size) {
      if (size != count) refuse(where_, member, concat(count, ", one a token"), concat(size));
    };
    if (!source_.types.empty()) check("token_type", source_.types.size());
    if (source_.model != "llama") return;
    check("scores", source_.scores.size());
    for (std::size_t id = 0; id < count; ++id) {
      if (!std::isfinite(source_.scores[id])) {
        refuse(where_, "scores", "finite numbers", concat(source_.scores[id], " at ", id));
      }
    }
  }

  std::optional<TokenId> checked(std::optional<std::int64_t> id, const char* member) const {
    if (!id) return std::nullopt;
    if (*id < 0 || *id >= vocabulary_.tokens.size()) {
      refuse(where_, member, concat("0 to ", vocabulary_.tokens.size() - 1), concat(*id));
    }
    return static_cast<TokenId>(*id);
  }

  // Both return whether a text begins with BOS when the file does not say.
  bool build_ranked() {
    const GgufPreTokenizer& pre = find_gguf_pre_tokenizer(source_.pre, where_);
    MergeList merges;
    const auto place = [this](std::size_t rank) {
      return concat(where_, ", tokenizer.ggml.merges[", rank, "]");
    };
    for (const std::string& merge : source_.merges) add_merge(merges, merge, place);
    RankedBpeParts parts;
    parts.ignore_merges = pre.ignore_merges;
    parts.merges = pair_table(vocabulary_, merges, place);
    fill_byte_level(vocabulary_, parts);
    pipeline_.decoded = parts.tokens;
    pipeline_.model = std::make_unique<RankedBpe>(std::move(parts));
    for (const std::string_view pattern : {pre.first, pre.second}) {
      if (!pattern.empty()) pipeline_.pre_tokenizer.emplace_back(Split{Regex(pattern, where_)});
    }
    if (pre.nfc) pipeline_.normalizer.emplace_back(NormalForm{});
    return pre.add_begin;
  }

  bool build_scored() {
    const bool space = source_.add_space_prefix.value_or(true);
    ScoredBpeParts parts;
    parts.tokens = vocabulary_.tokens;
    parts.scores = source_.scores;
    parts.bytes = fallback_bytes(vocabulary_);
    parts.unknown = checked(source_.unknown_token_id, "unknown_token_id");
    for (TokenId id = 0; id < vocabulary_.tokens.size(); ++id) {
      const bool text =
          type(id) == GgufTokenType::normal || type(id) == GgufTokenType::user_defined;
      if (text && !vocabulary_.tokens.at(id).empty()) parts.index.insert(parts.tokens, id);
    }
    pipeline_.decoded = text_of_tokens(
        vocabulary_,
        {.mark = std::string(kSpaceMark), .byte_fallback = true, .strip_leading_space = space});
    pipeline_.strip_leading_space = space;
    pipeline_.model = std::make_unique<ScoredBpe>(std::move(parts));
    if (space) pipeline_.normalizer.emplace_back(Prepend{" "});
    pipeline_.normalizer.emplace_back(Replace{std::string(" "), std::string(kSpaceMark)});
    return true;
  }

  void add_tokens() {
    for (TokenId id = 0; id < vocabulary_.tokens.size(); ++id) {
      const bool special = is_special_type(type(id));
      if (!special && type(id) != GgufTokenType::user_defined) continue;
      add_token(
          pipeline_, vocabulary_,
          AddedToken{
              .id = id, .content = std::string(vocabulary_.tokens.at(id)), .special = special},
          false, concat(where_, ", tokenizer.ggml.tokens[", id, "]"));
    }
  }

  void surround(bool begins) {
    pipeline_.begin_of_text = checked(source_.bos_token_id, "bos_token_id");
    pipeline_.end_of_text = checked(source_.eos_token_id, "eos_token_id");
    if (source_.add_bos_token.value_or(begins && pipeline_.begin_of_text)) {
      if (!pipeline_.begin_of_text) refuse(where_, "add_bos_token", "a bos_token_id", "none");
      pipeline_.prefix = {*pipeline_.begin_of_text};
    }
    if (source_.add_eos_token.value_or(false)) {
      if (!pipeline_.end_of_text) refuse(where_, "add_eos_token", "an eos_token_id", "none");
      pipeline_.suffix = {*pipeline_.end_of_text};
    }
  }

  const GgufVocabulary& source_;
  std::string where_;
  Vocabulary vocabulary_;
  Pipeline pipeline_;
};

}  // namespace

Tokenizer tokenizer_from_gguf(const GgufVocabulary& vocabulary, const std::string& where) {
  return Tokenizer(Builder(vocabulary, printable(where)).build());
}

}  // namespace sinkwise::tokenizer
