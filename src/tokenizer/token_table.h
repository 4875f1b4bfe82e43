#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sinkwise/tokenizer/token_id.h"

namespace sinkwise::tokenizer {

// Ids at and above this are refused: they would make tables of mostly nothing.
inline constexpr std::int64_t kMaxVocabulary = std::int64_t{1} << 22;

// id -> bytes, held in one block of memory; ids may be set in any order and leave holes.
class TokenTable {
 public:
  // The largest id + 1.
  TokenId size() const { return static_cast<TokenId>(entries_.size()); }
  bool holds(TokenId id) const {
    return id >= 0 && id < size() && entries_[static_cast<std::size_t>(id)].size != kHole;
  }
  std::string_view at(TokenId id) const {  // of an id that it holds
    const Entry& entry = entries_[static_cast<std::size_t>(id)];
    return std::string_view(bytes_).substr(entry.begin, entry.size);
  }

  // id in [0, kMaxVocabulary), not held yet; all bytes together are below 2^32.
  void set(TokenId id, std::string_view bytes);

 private:
  static constexpr std::uint32_t kHole = UINT32_MAX;
  struct Entry {
    std::uint32_t begin = 0;
    std::uint32_t size = kHole;
  };
  std::string bytes_;
  std::vector<Entry> entries_;
};

// bytes -> id, by hashing with open addressing: a map of strings would cost more time than the rest
// of loading. Refers to the table that every call gets.
class TokenIndex {
 public:
  static constexpr TokenId kAbsent = -1;

  // False, and nothing changes, when another token with the same bytes is in the index.
  bool insert(const TokenTable& table, TokenId id);
  TokenId find(const TokenTable& table,
               std::string_view bytes) const;  // kAbsent when there is none

 private:
  struct Slot {
    TokenId id = kAbsent;
    std::uint32_t tag = 0;  // part of the hash: spares a look at the bytes of other tokens
  };
  std::size_t slot_of(const TokenTable& table, std::string_view bytes) const;
  static std::uint32_t tag_of(std::size_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
  void grow(const TokenTable& table);

  std::vector<Slot> slots_;  // a power of two of them, at most half in use
  std::size_t used_ = 0;
};

}  // namespace sinkwise::tokenizer
