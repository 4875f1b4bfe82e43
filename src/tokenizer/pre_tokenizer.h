#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "regular_expression.h"

namespace sinkwise::tokenizer {

// What becomes of the matches that a text is split at.
enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

struct Split {
  std::variant<std::string, Regex> at;  // every occurrence of a literal, or match of a pattern
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false;  // what lies between the matches takes their place
};

// A space in front of a piece that does not begin with one.
struct PrefixSpace {};

// SentencePiece's way: spaces become `mark`, and one goes in front unless one is there already.
struct MarkSpaces {
  enum class Front { never, first_piece, every_piece };
  std::string mark;
  Front front = Front::every_piece;
};

using PreTokenizerStep = std::variant<Split, PrefixSpace, MarkSpaces>;

// Calls `use` for every word that the steps make of `text`, in order; never for an empty one. A
// view lives as long as the call. `first` tells whether the text begins at the beginning of the
// input.
void for_each_word(std::span<const PreTokenizerStep> steps, std::string_view text, bool first,
                   const std::function<void(std::string_view)>& use);

}  // namespace sinkwise::tokenizer
