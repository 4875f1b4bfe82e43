#include "pair_table.h"

#include <algorithm>
#include <bit>

namespace sinkwise::tokenizer {
namespace {

std::uint64_t key_of(TokenId left, TokenId right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

}  // namespace

PairTable::PairTable(std::size_t pairs)
    : slots_(std::bit_ceil(std::max<std::size_t>(2 * pairs, 2))),
      shift_(64 - std::countr_zero(slots_.size())) {}

std::size_t PairTable::slot_of(std::uint64_t key) const {
  constexpr std::uint64_t kGoldenRatio = 0x9E3779B97F4A7C15u;  // Fibonacci hashing
  std::size_t slot = static_cast<std::size_t>(((key ^ (key >> 32)) * kGoldenRatio) >> shift_);
  while (slots_[slot].key != kFree && slots_[slot].key != key) {
    slot = (slot + 1) & (slots_.size() - 1);
  }
  return slot;
}

void PairTable::set(TokenId left, TokenId right, std::int32_t rank, TokenId merged) {
  const std::uint64_t key = key_of(left, right);
  slots_[slot_of(key)] = {.key = key, .rank = rank, .merged = merged};
}

std::optional<Merge> PairTable::find(TokenId left, TokenId right) const {
  const Slot& slot = slots_[slot_of(key_of(left, right))];
  if (slot.key == kFree) return std::nullopt;
  return Merge{.priority = static_cast<double>(slot.rank), .id = slot.merged};
}

}  // namespace sinkwise::tokenizer
