#include "pre_tokenizer.h"

#include "normalizer.h"
#include "sinkwise/core/text.h"

namespace sinkwise::tokenizer {
namespace {

struct Stretch {
  std::size_t begin;
  std::size_t end;
  bool match;
};

std::vector<Regex::Range> find_literal(std::string_view text, std::string_view literal) {
  std::vector<Regex::Range> found;
  for (std::size_t at = text.find(literal); at != text.npos;
       at = text.find(literal, at + literal.size())) {
    found.emplace_back(at, at + literal.size());
  }
  return found;
}

// Matches and what lies between them, covering the text.
std::vector<Stretch> stretches(const Split& split, std::string_view text) {
  const auto* const literal = std::get_if<std::string>(&split.at);
  const auto matches =
      literal != nullptr ? find_literal(text, *literal) : std::get<Regex>(split.at).find_all(text);
  std::vector<Stretch> all;
  std::size_t done = 0;
  for (const auto& [begin, end] : matches) {
    if (begin > done) all.push_back({done, begin, split.invert});
    all.push_back({begin, end, !split.invert});
    done = end;
  }
  if (done < text.size()) all.push_back({done, text.size(), split.invert});
  return all;
}

// Joins stretch `i` of the original list to its left neighbour?
bool joins_left(SplitBehavior behavior, bool left_is_match, bool match) {
  switch (behavior) {
    case SplitBehavior::merged_with_previous:
      return match && !left_is_match;
    case SplitBehavior::merged_with_next:
      return left_is_match && !match;
    case SplitBehavior::contiguous:
      return left_is_match == match;
    case SplitBehavior::removed:
    case SplitBehavior::isolated:
      return false;
  }
  return false;
}

std::vector<Regex::Range> pieces(const Split& split, std::string_view text) {
  std::vector<Regex::Range> result;
  bool left_is_match = false;
  for (const Stretch& stretch : stretches(split, text)) {
    const bool removed = stretch.match && split.behavior == SplitBehavior::removed;
    if (!result.empty() && joins_left(split.behavior, left_is_match, stretch.match)) {
      result.back().second = stretch.end;
    } else if (!removed) {
      result.emplace_back(stretch.begin, stretch.end);
    }
    left_is_match = stretch.match;
  }
  return result;
}

std::string mark_spaces(const MarkSpaces& step, std::string_view text, bool first) {
  std::string marked = replace_all(text, " ", step.mark);
  const bool wanted = step.front == MarkSpaces::Front::every_piece ||
                      (step.front == MarkSpaces::Front::first_piece && first);
  if (wanted && !marked.starts_with(step.mark)) marked.insert(0, step.mark);
  return marked;
}

}  // namespace

void for_each_word(std::span<const PreTokenizerStep> steps, std::string_view text, bool first,
                   const std::function<void(std::string_view)>& use) {
  if (text.empty()) return;
  if (steps.empty()) return use(text);
  const auto rest = steps.subspan(1);
  if (const auto* const split = std::get_if<Split>(&steps.front())) {
    for (const auto& [begin, end] : pieces(*split, text)) {
      for_each_word(rest, text.substr(begin, end - begin), first && begin == 0, use);
    }
  } else if (const auto* const marks = std::get_if<MarkSpaces>(&steps.front())) {
    for_each_word(rest, mark_spaces(*marks, text, first), first, use);
  } else {
    for_each_word(rest, text.starts_with(' ') ? std::string(text) : concat(" ", text), first, use);
  }
}

}  // namespace sinkwise::tokenizer
