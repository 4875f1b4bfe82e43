#include "model.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/core/utf8.h"

namespace sinkwise::tokenizer {
namespace {

TokenId byte_id(const ByteIds& bytes, char byte) { return bytes[static_cast<unsigned char>(byte)]; }

std::uint32_t narrow(std::size_t value) { return static_cast<std::uint32_t>(value); }

}  // namespace

void refuse_inexpressible(std::string_view character, std::size_t byte) {
  throw BadArgument(
      {.what = "a text holds what the vocabulary cannot express",
       .where = concat("byte ", byte, " of a word"),
       .expected = "characters or bytes of the vocabulary: it has no unknown token",
       .found = "'" + printable(character) + "'",
       .next = "leave the character out, or use the tokenizer the text was made for"});
}

void RankedBpe::append_unknown(std::string_view word, std::size_t begin, std::size_t size,
                               std::vector<Symbol>& symbols) const {
  if (!parts_.unknown) refuse_inexpressible(word.substr(begin, size), begin);
  const bool fused =
      parts_.fuse_unknown && !symbols.empty() && symbols.back().id == *parts_.unknown;
  if (fused) {
    symbols.back().size += narrow(size);
  } else {
    append_symbol(symbols, narrow(begin), narrow(size), *parts_.unknown);
  }
}

void RankedBpe::append_bytes(std::string_view word, std::vector<Symbol>& symbols) const {
  for (std::size_t at = 0; at < word.size(); ++at) {
    const TokenId id = byte_id(parts_.bytes, word[at]);
    if (id >= 0) {
      append_symbol(symbols, narrow(at), 1, id);
    } else {
      append_unknown(word, at, 1, symbols);
    }
  }
}

void RankedBpe::append_characters(std::string_view word, std::vector<Symbol>& symbols) const {
  std::uint32_t code = 0;
  for (std::size_t at = 0, size = 0; at < word.size(); at += size) {
    size = decode_utf8(word.substr(at), code);
    const std::string_view character = word.substr(at, size);
    const TokenId id = find(character);
    if (id >= 0) {
      append_symbol(symbols, narrow(at), narrow(size), id);
      continue;
    }
    bool falls_back = true;
    for (const char byte : character) falls_back &= byte_id(parts_.bytes, byte) >= 0;
    if (!falls_back) {
      append_unknown(word, at, size, symbols);
      continue;
    }
    for (std::size_t i = 0; i < size; ++i) {
      append_symbol(symbols, narrow(at + i), 1, byte_id(parts_.bytes, character[i]));
    }
  }
}

void RankedBpe::encode(std::string_view word, MergeScratch& scratch,
                       std::vector<TokenId>& ids) const {
  if (parts_.ignore_merges) {
    const TokenId whole = find(word);
    if (whole >= 0) return ids.push_back(whole);
  }
  auto& symbols = scratch.symbols;
  symbols.clear();
  if (parts_.byte_level) {
    append_bytes(word, symbols);
  } else {
    append_characters(word, symbols);
  }
  merge_neighbours(scratch, [this](const Symbol& left, const Symbol& right) {
    return parts_.merges.find(left.id, right.id);
  });
  for (std::int32_t at = 0; at >= 0; at = symbols[static_cast<std::size_t>(at)].next) {
    ids.push_back(symbols[static_cast<std::size_t>(at)].id);
  }
}

}  // namespace sinkwise::tokenizer
