#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "added_tokens.h"
#include "model.h"
#include "normalizer.h"
#include "pre_tokenizer.h"
#include "sinkwise/tokenizer/token_id.h"
#include "token_table.h"
#include "vocabulary.h"

namespace sinkwise::tokenizer {

// Everything a tokenizer does, whatever file it came from: added tokens cut the text, what lies
// between is normalised, cut again by the added tokens that ask for normalised text, pre-tokenised,
// and each word goes to the model.
struct Pipeline {
  AddedTokenFinder raw_tokens;         // looked for in the text as it comes
  AddedTokenFinder normalized_tokens;  // looked for after normalising
  std::vector<NormalizerStep> normalizer;
  std::vector<PreTokenizerStep> pre_tokenizer;
  std::unique_ptr<const Model> model;

  TokenTable decoded;                // id -> the bytes it stands for in a text
  bool strip_leading_space = false;  // decoding undoes the space that encoding puts in front

  std::map<std::string, AddedToken, std::less<>> added;  // by content
  std::vector<bool> special;                             // by id
  std::vector<TokenId> prefix;                           // what encoding puts before a text
  std::vector<TokenId> suffix;                           // and behind it
  std::optional<TokenId> begin_of_text;
  std::optional<TokenId> end_of_text;
};

// Takes `token` into `pipeline`: finding, decoding and the lists by content and id. `normalized`
// says in which text to look for it. BadFile, with `where`, when it is empty, too long, no UTF-8,
// is there already, has an id out of range, or id or text belong to another token of the
// vocabulary.
void add_token(Pipeline& pipeline, const Vocabulary& vocabulary, AddedToken token, bool normalized,
               const std::string& where);

}  // namespace sinkwise::tokenizer
