#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sinkwise/tokenizer/token_id.h"

namespace sinkwise::tokenizer {

// A stretch of a word that is one token so far; neighbours are linked so that merging is O(1).
struct Symbol {
  std::uint32_t begin = 0;  // in the word, bytes
  std::uint32_t size = 0;   // 0 once it is merged into its left neighbour
  TokenId id = -1;          // -1: no token (only where merges go by text)
  std::int32_t previous = -1;
  std::int32_t next = -1;
};

struct Merge {
  double priority = 0;  // the lowest first, ties from the left
  TokenId id = -1;
};

struct Candidate {
  double priority;
  std::int32_t left;   // symbol
  std::uint32_t size;  // of both together: a symbol only ever grows, so another size means outdated
  TokenId id;
};

// Buffers that one call of encode() reuses for all its words.
struct MergeScratch {
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
};

// Appends a symbol behind the others.
inline void append_symbol(std::vector<Symbol>& symbols, std::uint32_t begin, std::uint32_t size,
                          TokenId id) {
  const auto place = static_cast<std::int32_t>(symbols.size());
  if (!symbols.empty()) symbols.back().next = place;
  symbols.push_back({.begin = begin, .size = size, .id = id, .previous = place - 1, .next = -1});
}

// Merges neighbours, the best pair of the whole word first, until no pair can be merged. `find`
// gives the Merge of two symbols, or none. O(n log n) for n symbols; the first symbol stays first.
template <typename Find>
void merge_neighbours(MergeScratch& scratch, const Find& find) {
  auto& symbols = scratch.symbols;
  auto& heap = scratch.heap;
  const auto at = [&](std::int32_t place) -> Symbol& {
    return symbols[static_cast<std::size_t>(place)];
  };
  const auto worse = [](const Candidate& a, const Candidate& b) {
    return a.priority != b.priority ? a.priority > b.priority : a.left > b.left;
  };
  const auto consider = [&](std::int32_t left) {
    if (left < 0 || at(left).next < 0) return;
    const Symbol& right = at(at(left).next);
    const std::optional<Merge> merge = find(at(left), right);
    if (!merge) return;
    heap.push_back({merge->priority, left, at(left).size + right.size, merge->id});
  };

  heap.clear();
  for (std::size_t i = 0; i + 1 < symbols.size(); ++i) consider(static_cast<std::int32_t>(i));
  std::make_heap(heap.begin(), heap.end(), worse);
  const auto push = [&](std::int32_t left) {
    const std::size_t before = heap.size();
    consider(left);
    if (heap.size() > before) std::push_heap(heap.begin(), heap.end(), worse);
  };
  while (!heap.empty()) {
    const Candidate best = heap.front();
    std::pop_heap(heap.begin(), heap.end(), worse);
    heap.pop_back();
    Symbol& left = at(best.left);
    if (left.size == 0 || left.next < 0) continue;
    Symbol& right = at(left.next);
    if (left.size + right.size != best.size) continue;
    left.size = best.size;
    left.id = best.id;
    left.next = right.next;
    right.size = 0;
    if (left.next >= 0) at(left.next).previous = best.left;
    push(left.previous);
    push(best.left);
  }
}

}  // namespace sinkwise::tokenizer
