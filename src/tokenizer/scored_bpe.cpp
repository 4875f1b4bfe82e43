#include "model.h"
#include "sinkwise/core/utf8.h"

namespace sinkwise::tokenizer {

std::optional<Merge> ScoredBpe::merge_of(std::string_view text) const {
  const TokenId id = find(text);
  if (id < 0) return std::nullopt;
  return Merge{.priority = -parts_.scores[static_cast<std::size_t>(id)], .id = id};
}

void ScoredBpe::append_fallback(std::string_view text, std::vector<TokenId>& ids) const {
  const std::size_t before = ids.size();
  for (std::size_t at = 0; at < text.size(); ++at) {
    const TokenId id = parts_.bytes[static_cast<unsigned char>(text[at])];
    if (id >= 0) {
      ids.push_back(id);
      continue;
    }
    if (!parts_.unknown) refuse_inexpressible(text, at);
    ids.resize(before);
    return ids.push_back(*parts_.unknown);
  }
}

void ScoredBpe::encode(std::string_view word, MergeScratch& scratch,
                       std::vector<TokenId>& ids) const {
  auto& symbols = scratch.symbols;
  symbols.clear();
  std::uint32_t code = 0;
  for (std::size_t at = 0, size = 0; at < word.size(); at += size) {
    size = decode_utf8(word.substr(at), code);
    append_symbol(symbols, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(size),
                  find(word.substr(at, size)));
  }
  merge_neighbours(scratch, [&](const Symbol& left, const Symbol& right) -> std::optional<Merge> {
    const bool known = left.id >= 0 && right.id >= 0;
    if (!known && !parts_.unknown_characters_merge) return std::nullopt;
    return merge_of(word.substr(left.begin, left.size + right.size));
  });
  for (std::int32_t at = 0; at >= 0; at = symbols[static_cast<std::size_t>(at)].next) {
    const Symbol& symbol = symbols[static_cast<std::size_t>(at)];
    if (symbol.id >= 0) {
      ids.push_back(symbol.id);
    } else {
      append_fallback(word.substr(symbol.begin, symbol.size), ids);
    }
  }
}

}  // namespace sinkwise::tokenizer
