#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sinkwise/tokenizer/token_id.h"

namespace sinkwise::tokenizer {

// A token that is found in the text before anything else happens to it.
struct AddedToken {
  TokenId id = 0;
  std::string content;       // what the text must hold, after normalising if `normalized`
  bool special = false;      // a control token: not found when special text is to be plain
  bool left_space = false;   // takes the white space before it
  bool right_space = false;  // takes the white space behind it
  bool single_word = false;  // not next to a letter or another word character
};

// Longer ones are refused: finding them costs their length at every byte.
inline constexpr std::size_t kLongestAddedToken = 512;

// Finds tokens from left to right, at each place the longest.
class AddedTokenFinder {
 public:
  void add(AddedToken token);  // content of 1 to kLongestAddedToken bytes, not added yet

  // Calls `use` with each stretch of `text` and the id of the token that it is, none for the text
  // between tokens; in order, never for an empty stretch.
  using Use = std::function<void(std::string_view, std::optional<TokenId>)>;
  void split(std::string_view text, bool find_special, const Use& use) const;

 private:
  static constexpr std::int32_t kNone = -1;
  struct Found {
    std::size_t begin;
    std::size_t end;
    const AddedToken* token;
  };
  std::int32_t child(std::int32_t node, unsigned char byte) const;
  std::optional<Found> next(std::string_view text, std::size_t from) const;

  std::vector<AddedToken> tokens_;
  // A trie: (node, byte) -> node, and the token that ends at a node.
  std::unordered_map<std::uint64_t, std::int32_t> children_;
  std::vector<std::int32_t> token_at_ = {kNone};
  std::vector<std::int32_t> first_ = std::vector<std::int32_t>(256, kNone);  // children of the root
};

}  // namespace sinkwise::tokenizer
