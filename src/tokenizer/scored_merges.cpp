#include "scored_merges.h"

#include <algorithm>
#include <unordered_map>

#include "gguf_parts.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/core/utf8.h"

namespace sinkwise::tokenizer {
namespace {

struct Candidate {
  ScoredMerge halves;
  std::size_t made;  // id of the token
};

[[noreturn]] void refuse(const std::string& where, std::string found) {
  throw Unsupported({.what = "this vocabulary cannot be written as a tokenizer.json",
                     .where = concat(where, ", tokenizer.ggml.scores"),
                     .expected = "scores that a list of merges can follow",
                     .found = std::move(found),
                     .next = "start from the Hugging Face folder of this model instead"});
}

// One call of merges_of_scores().
class Merges {
 public:
  Merges(const GgufVocabulary& vocabulary, const std::string& where)
      : vocabulary_(vocabulary), where_(where) {
    for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
      const GgufTokenType type = gguf_token_type(vocabulary, id);
      if (type == GgufTokenType::normal || type == GgufTokenType::user_defined) {
        texts_.emplace(vocabulary.tokens[id], id);
      } else if (is_one_character(vocabulary.tokens[id])) {
        refuse(where, concat("the character ", quoted(id), " as a token that is no text"));
      }
    }
  }

  std::vector<ScoredMerge> by_rank() {
    for (std::size_t id = 0; id < vocabulary_.tokens.size(); ++id) {
      if (reaches_model(id)) split(id);
    }
    std::sort(candidates_.begin(), candidates_.end(), [this](const auto& a, const auto& b) {
      if (score(a) != score(b)) return score(a) > score(b);
      return a.halves.left.size() > b.halves.left.size();
    });
    std::vector<ScoredMerge> merges;
    for (std::size_t rank = 0; rank < candidates_.size(); ++rank) {
      if (rank > 0) refuse_tie(candidates_[rank - 1], candidates_[rank]);
      merges.push_back(candidates_[rank].halves);
    }
    return merges;
  }

 private:
  float score(const Candidate& candidate) const { return vocabulary_.scores[candidate.made]; }
  std::string quoted(std::size_t id) const { return "'" + printable(vocabulary_.tokens[id]) + "'"; }

  static bool is_one_character(std::string_view text) {
    std::uint32_t code = 0;
    return !text.empty() && decode_utf8(text, code) == text.size();
  }

  // A user-defined token is cut out of every text before the model sees it, unless the mark of a
  // space makes it one afterwards.
  bool reaches_model(std::size_t id) const {
    const std::string& text = vocabulary_.tokens[id];
    const GgufTokenType type = gguf_token_type(vocabulary_, id);
    if (type == GgufTokenType::user_defined) return text.find(kSpaceMark) != std::string::npos;
    return type == GgufTokenType::normal;
  }

  void split(std::size_t id) {
    const std::string_view text = vocabulary_.tokens[id];
    std::uint32_t code = 0;
    for (std::size_t at = 0, size = 0; at < text.size(); at += size) {
      size = decode_utf8(text.substr(at), code);
      if (!texts_.contains(text.substr(at, size))) {
        refuse(where_, concat("a character that is no token within ", quoted(id)));
      }
      if (at == 0) continue;
      const ScoredMerge halves{text.substr(0, at), text.substr(at)};
      if (texts_.contains(halves.left) && texts_.contains(halves.right)) {
        candidates_.push_back({halves, id});
      }
    }
  }

  void refuse_tie(const Candidate& a, const Candidate& b) const {
    if (a.made == b.made || score(a) != score(b)) return;
    refuse(where_, concat("one score, ", score(a), ", of ", quoted(a.made), " and of ",
                          quoted(b.made), ": the one further left in a text goes first"));
  }

  const GgufVocabulary& vocabulary_;
  const std::string& where_;
  std::unordered_map<std::string_view, std::size_t> texts_;
  std::vector<Candidate> candidates_;
};

}  // namespace

std::vector<ScoredMerge> merges_of_scores(const GgufVocabulary& vocabulary,
                                          const std::string& where) {
  return Merges(vocabulary, where).by_rank();
}

}  // namespace sinkwise::tokenizer
