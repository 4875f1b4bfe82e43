#include "token_table.h"

#include <functional>
#include <utility>

namespace sinkwise::tokenizer {

void TokenTable::set(TokenId id, std::string_view bytes) {
  const auto place = static_cast<std::size_t>(id);
  if (place >= entries_.size()) entries_.resize(place + 1);
  entries_[place] = {.begin = static_cast<std::uint32_t>(bytes_.size()),
                     .size = static_cast<std::uint32_t>(bytes.size())};
  bytes_ += bytes;
}

std::size_t TokenIndex::slot_of(const TokenTable& table, std::string_view bytes) const {
  std::size_t slot = std::hash<std::string_view>{}(bytes);
  for (;; ++slot) {
    slot &= slots_.size() - 1;
    if (slots_[slot] == kAbsent || table.at(slots_[slot]) == bytes) return slot;
  }
}

void TokenIndex::grow(const TokenTable& table) {
  const std::vector<TokenId> old =
      std::exchange(slots_, std::vector<TokenId>(slots_.empty() ? 64 : 2 * slots_.size(), kAbsent));
  for (const TokenId id : old) {
    if (id != kAbsent) slots_[slot_of(table, table.at(id))] = id;
  }
}

bool TokenIndex::insert(const TokenTable& table, TokenId id) {
  if (2 * (used_ + 1) > slots_.size()) grow(table);
  TokenId& slot = slots_[slot_of(table, table.at(id))];
  if (slot != kAbsent) return false;
  slot = id;
  ++used_;
  return true;
}

TokenId TokenIndex::find(const TokenTable& table, std::string_view bytes) const {
  return slots_.empty() ? kAbsent : slots_[slot_of(table, bytes)];
}

}  // namespace sinkwise::tokenizer
