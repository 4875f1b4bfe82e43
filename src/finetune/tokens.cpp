#include "tokens.h"

#include <numeric>
#include <span>

namespace sinkwise::finetune {
namespace {

using data::Document;
using tokenizer::SpecialText;
using tokenizer::Tokenizer;

// Turns that follow each other, and where each ends, in bytes of tokens: a normaliser may have put
// spaces in, or composed characters, so a turn ends where the tokens of everything up to its end
// do.
struct Stretch {
  std::vector<tokenizer::TokenId> tokens;
  std::vector<std::size_t> ends;
};

Stretch stretch_of(const Tokenizer& tokenizer, std::span<const Turn> turns) {
  Stretch stretch;
  std::string text;
  for (const Turn& turn : turns) {
    text += turn.text;
    const Document document = document_of(tokenizer, text, SpecialText::control);
    stretch.tokens = document.tokens;
    stretch.ends.push_back(
        std::accumulate(document.bytes.begin(), document.bytes.end(), std::size_t{0}));
  }
  return stretch;
}

bool begins_with_control(const Tokenizer& tokenizer, const Turn& turn) {
  const auto tokens = document_of(tokenizer, turn.text, SpecialText::control).tokens;
  return !tokens.empty() && tokenizer.is_special(tokens.front());
}

// The same with every control token beginning anew, so that the time does not grow with the square
// of the number of turns.
Stretch pieced(const Tokenizer& tokenizer, std::span<const Turn> turns) {
  Stretch all;
  for (std::size_t first = 0; first < turns.size();) {
    std::size_t last = first + 1;
    while (last < turns.size() && !begins_with_control(tokenizer, turns[last])) ++last;
    const Stretch next = stretch_of(tokenizer, turns.subspan(first, last - first));
    const std::size_t before = all.ends.empty() ? 0 : all.ends.back();
    all.tokens.insert(all.tokens.end(), next.tokens.begin(), next.tokens.end());
    for (const std::size_t end : next.ends) all.ends.push_back(before + end);
    first = last;
  }
  return all;
}

}  // namespace

Document document_of(const Tokenizer& tokenizer, const std::string& text, SpecialText special) {
  Document document;
  document.tokens = tokenizer.encode(text, {.special_text = special, .add_special = false});
  for (const auto id : document.tokens) {
    const auto bytes = tokenizer.bytes(id);
    document.bytes.push_back(bytes ? static_cast<std::uint32_t>(bytes->size()) : 0);
  }
  return document;
}

Document document_of(const Tokenizer& tokenizer, const std::vector<Turn>& turns) {
  std::string text;
  for (const Turn& turn : turns) text += turn.text;
  Document document = document_of(tokenizer, text, SpecialText::control);
  Stretch stretch = pieced(tokenizer, turns);
  // Some tokenizers begin a text otherwise than what follows a control token.
  if (stretch.tokens != document.tokens) stretch = stretch_of(tokenizer, turns);
  std::size_t turn = 0, at = 0;
  for (const std::uint32_t bytes : document.bytes) {
    while (turn + 1 < turns.size() && at >= stretch.ends[turn]) ++turn;
    document.asked.push_back(turns[turn].asked ? 1 : 0);
    at += bytes;
  }
  return document;
}

}  // namespace sinkwise::finetune
