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
  const std::size_t hash = std::hash<std::string_view>{}(bytes);
  for (std::size_t at = hash;; ++at) {
    at &= slots_.size() - 1;
    const Slot& slot = slots_[at];
    const bool free = slot.id == kAbsent;
    if (free || (slot.tag == tag_of(hash) && table.at(slot.id) == bytes)) return at;
  }
}

void TokenIndex::grow(const TokenTable& table) {
  const std::vector<Slot> old =
      std::exchange(slots_, std::vector<Slot>(slots_.empty() ? 64 : 2 * slots_.size()));
  for (const Slot& slot : old) {
    if (slot.id != kAbsent) slots_[slot_of(table, table.at(slot.id))] = slot;
  }
}

bool TokenIndex::insert(const TokenTable& table, TokenId id) {
  if (2 * (used_ + 1) > slots_.size()) grow(table);
  const std::string_view bytes = table.at(id);
  Slot& slot = slots_[slot_of(table, bytes)];
  if (slot.id != kAbsent) return false;
  slot = {.id = id, .tag = tag_of(std::hash<std::string_view>{}(bytes))};
  ++used_;
  return true;
}

TokenId TokenIndex::find(const TokenTable& table, std::string_view bytes) const {
  return slots_.empty() ? kAbsent : slots_[slot_of(table, bytes)].id;
}

}  // namespace sinkwise::tokenizer
