#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model.h"
#include "token_table.h"

namespace sinkwise::tokenizer {

// The tokens of a model as their file writes them.
struct Vocabulary {
  TokenTable tokens;
  TokenIndex index;

  // BadFile, with `where`, for an id out of range or given twice, a text given twice or no UTF-8,
  // and when there are 2^32 bytes of text or more.
  void add(std::int64_t id, std::string_view text, const std::string& where);

 private:
  std::uint64_t bytes_ = 0;
};

// Pairs of texts in the order of their rank, held in one block of memory.
class MergeList {
 public:
  std::size_t size() const { return merges_.size(); }
  void add(std::string_view left, std::string_view right);
  std::string_view left(std::size_t rank) const;
  std::string_view right(std::size_t rank) const;

 private:
  struct Place {
    std::size_t begin;
    std::uint32_t left;  // bytes
    std::uint32_t right;
  };
  std::string text_;
  std::vector<Place> merges_;
};

// Names the place of a merge in errors.
using MergePlace = std::function<std::string(std::size_t rank)>;

// Appends "left right"; BadFile unless it has exactly one space and something on either side.
void add_merge(MergeList& merges, std::string_view text, const MergePlace& place);

// The table of `merges`; BadFile for one that names, or makes, a text that is no token.
PairTable pair_table(const Vocabulary& vocabulary, const MergeList& merges,
                     const MergePlace& place);

// Tokens and bytes of a byte-level vocabulary into `parts`. A token outside the byte alphabet can
// only be an added one: it is written as it is and never found.
void fill_byte_level(const Vocabulary& vocabulary, RankedBpeParts& parts);

// Ids of the tokens <0x00> to <0xFF>.
ByteIds fallback_bytes(const Vocabulary& vocabulary);

// The byte that a token <0xHH> stands for; none for any other text.
std::optional<unsigned char> byte_of_fallback(std::string_view text);

}  // namespace sinkwise::tokenizer
