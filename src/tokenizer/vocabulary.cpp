#include "vocabulary.h"

#include "byte_alphabet.h"
#include "characters.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::tokenizer {
namespace {

[[noreturn]] void refuse(const char* what, const std::string& where, std::string expected,
                         std::string found) {
  throw BadFile({.what = what,
                 .where = where,
                 .expected = std::move(expected),
                 .found = std::move(found),
                 .next = "fetch the tokenizer again from where the model came from"});
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  return "'" + printable(text.substr(0, kLongest)) + (text.size() > kLongest ? "...'" : "'");
}

}  // namespace

void Vocabulary::add(std::int64_t id, std::string_view text, const std::string& where) {
  constexpr const char* kWhat = "a vocabulary is not valid";
  if (id < 0 || id >= kMaxVocabulary) {
    refuse(kWhat, where, concat("an id from 0 to ", kMaxVocabulary - 1),
           concat(id, " for ", quoted(text)));
  }
  const auto token = static_cast<TokenId>(id);
  if (tokens.holds(token)) {
    refuse(kWhat, where, "each id once",
           concat(id, " for ", quoted(tokens.at(token)), " and for ", quoted(text)));
  }
  if (malformed_utf8(text)) refuse(kWhat, where, "UTF-8", concat(quoted(text), ", id ", id));
  bytes_ += text.size();
  if (bytes_ >= UINT32_MAX) refuse(kWhat, where, "less than 4 GiB of tokens", "more");
  tokens.set(token, text);
  if (!index.insert(tokens, token)) {
    refuse(kWhat, where, "each token once",
           concat(quoted(text), " as ", index.find(tokens, text), " and as ", id));
  }
}

void MergeList::add(std::string_view left, std::string_view right) {
  merges_.push_back({.begin = text_.size(),
                     .left = static_cast<std::uint32_t>(left.size()),
                     .right = static_cast<std::uint32_t>(right.size())});
  text_ += left;
  text_ += right;
}

std::string_view MergeList::left(std::size_t rank) const {
  return std::string_view(text_).substr(merges_[rank].begin, merges_[rank].left);
}

std::string_view MergeList::right(std::size_t rank) const {
  return std::string_view(text_).substr(merges_[rank].begin + merges_[rank].left,
                                        merges_[rank].right);
}

void add_merge(MergeList& merges, std::string_view text, const MergePlace& place) {
  const std::size_t space = text.find(' ');
  const bool one = space != text.npos && text.find(' ', space + 1) == text.npos;
  if (!one || space == 0 || space + 1 == text.size()) {
    refuse("a merge is not valid", place(merges.size()), "two tokens with one space between",
           quoted(text));
  }
  merges.add(text.substr(0, space), text.substr(space + 1));
}

PairTable pair_table(const Vocabulary& vocabulary, const MergeList& merges,
                     const MergePlace& place) {
  PairTable table(merges.size());
  std::string together;
  const auto id_of = [&](std::string_view text, std::size_t rank) {
    const TokenId id = vocabulary.index.find(vocabulary.tokens, text);
    if (id >= 0) return id;
    refuse("a merge is not valid", place(rank), "tokens of the vocabulary", quoted(text));
  };
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    together.assign(merges.left(rank)).append(merges.right(rank));
    table.set(id_of(merges.left(rank), rank), id_of(merges.right(rank), rank),
              static_cast<std::int32_t>(rank), id_of(together, rank));
  }
  return table;
}

void fill_byte_level(const Vocabulary& vocabulary, RankedBpeParts& parts) {
  parts.bytes.fill(TokenIndex::kAbsent);
  std::string bytes;
  for (TokenId id = 0; id < vocabulary.tokens.size(); ++id) {
    if (!vocabulary.tokens.holds(id)) continue;
    const std::string_view written = vocabulary.tokens.at(id);
    bytes.clear();
    if (!append_bytes_of_alphabet(written, bytes)) {
      parts.tokens.set(id, written);
      continue;
    }
    parts.tokens.set(id, bytes);
    parts.index.insert(parts.tokens, id);
    if (bytes.size() == 1) parts.bytes[static_cast<unsigned char>(bytes[0])] = id;
  }
}

std::optional<unsigned char> byte_of_fallback(std::string_view text) {
  const auto digit = [&](std::size_t at) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    return kDigits.find(text[at]);
  };
  const bool form = text.size() == 6 && text.starts_with("<0x") && text[5] == '>';
  if (!form || digit(3) == text.npos || digit(4) == text.npos) return std::nullopt;
  return static_cast<unsigned char>(16 * digit(3) + digit(4));
}

ByteIds fallback_bytes(const Vocabulary& vocabulary) {
  ByteIds ids;
  ids.fill(TokenIndex::kAbsent);
  for (TokenId id = 0; id < vocabulary.tokens.size(); ++id) {
    if (!vocabulary.tokens.holds(id)) continue;
    const auto byte = byte_of_fallback(vocabulary.tokens.at(id));
    if (byte) ids[*byte] = id;
  }
  return ids;
}

}  // namespace sinkwise::tokenizer
