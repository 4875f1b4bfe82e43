#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "merging.h"
#include "sinkwise/tokenizer/token_id.h"

namespace sinkwise::tokenizer {

// (left id, right id) -> rank and merged id, by hashing with open addressing: half a million pairs
// in a std::unordered_map would take most of the time of loading.
class PairTable {
 public:
  // Room for `pairs` of them.
  explicit PairTable(std::size_t pairs = 0);

  // A pair that is there already gets the new rank and id, as in the reference.
  void set(TokenId left, TokenId right, std::int32_t rank, TokenId merged);
  std::optional<Merge> find(TokenId left, TokenId right) const;

 private:
  static constexpr std::uint64_t kFree = UINT64_MAX;
  struct Slot {
    std::uint64_t key = kFree;
    std::int32_t rank = 0;
    TokenId merged = 0;
  };
  std::size_t slot_of(std::uint64_t key) const;

  std::vector<Slot> slots_;  // a power of two of them, at most half in use
  int shift_ = 0;            // keeps the top bits of a hash
};

}  // namespace sinkwise::tokenizer
