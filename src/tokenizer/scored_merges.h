#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sinkwise/tokenizer/gguf_vocabulary.h"

namespace sinkwise::tokenizer {

struct ScoredMerge {
  std::string_view left, right;  // into the vocabulary
};

// The merges, by rank, that do what the scores of a vocabulary of SentencePiece do: every way to
// put a token together from two others, that with the best score first, and of one token that with
// the longest left half (the order in which transformers converts such vocabularies). Unsupported,
// with `where`, for a vocabulary whose scores say what no ranks can: two tokens with one score, of
// which SentencePiece takes whichever is further left, or a token with a character that is no
// token.
std::vector<ScoredMerge> merges_of_scores(const GgufVocabulary& vocabulary,
                                          const std::string& where);

}  // namespace sinkwise::tokenizer
