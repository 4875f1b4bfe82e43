#include "pipeline.h"

#include <utility>

#include "characters.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::tokenizer {
namespace {

[[noreturn]] void refuse(const std::string& where, std::string expected, std::string found) {
  throw BadFile({.what = "an added token is not valid",
                 .where = where,
                 .expected = std::move(expected),
                 .found = std::move(found),
                 .next = "fetch the tokenizer again from where the model came from"});
}

void check(const Pipeline& pipeline, const Vocabulary& vocabulary, const AddedToken& token,
           const std::string& where) {
  const std::string& content = token.content;
  const std::string name = "'" + printable(content) + "'";
  if (content.empty() || content.size() > kLongestAddedToken) {
    refuse(where, concat("a text of 1 to ", kLongestAddedToken, " bytes"),
           concat(content.size(), " bytes"));
  }
  if (malformed_utf8(content)) refuse(where, "UTF-8", name);
  if (pipeline.added.contains(content)) refuse(where, "each token once", name + " a second time");
  if (token.id < 0 || token.id >= kMaxVocabulary) {
    refuse(where, concat("an id from 0 to ", kMaxVocabulary - 1), concat(token.id));
  }
  const TokenId known = vocabulary.index.find(vocabulary.tokens, content);
  if (known >= 0 && known != token.id) {
    refuse(where, concat("the id of ", name, " in the vocabulary, ", known), concat(token.id));
  }
  if (known < 0 && pipeline.decoded.holds(token.id)) {
    refuse(where, concat("an id of its own for ", name),
           concat(token.id, ", which is '", printable(pipeline.decoded.at(token.id)), "'"));
  }
}

}  // namespace

void add_token(Pipeline& pipeline, const Vocabulary& vocabulary, AddedToken token, bool normalized,
               const std::string& where) {
  check(pipeline, vocabulary, token, where);
  if (!pipeline.decoded.holds(token.id)) pipeline.decoded.set(token.id, token.content);
  const auto place = static_cast<std::size_t>(token.id);
  if (place >= pipeline.special.size()) pipeline.special.resize(place + 1);
  pipeline.special[place] = token.special;
  pipeline.added.emplace(token.content, token);
  if (!normalized) return pipeline.raw_tokens.add(std::move(token));
  token.content = normalize(pipeline.normalizer, token.content);
  if (token.content.empty() || token.content.size() > kLongestAddedToken) {
    refuse(where, concat("a normalised text of 1 to ", kLongestAddedToken, " bytes"),
           concat(token.content.size(), " bytes"));
  }
  pipeline.normalized_tokens.add(std::move(token));
}

}  // namespace sinkwise::tokenizer
