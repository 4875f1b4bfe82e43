#include "added_tokens.h"

#include <algorithm>
#include <utility>

#include "characters.h"
#include "sinkwise/core/utf8.h"

namespace sinkwise::tokenizer {
namespace {

std::uint32_t first_character(std::string_view text, std::size_t& size) {
  std::uint32_t code = 0;
  size = decode_utf8(text, code);
  return code;
}

std::uint32_t last_character(std::string_view text, std::size_t& size) {
  return first_character(text.substr(character_boundary(text, text.size() - 1)), size);
}

bool is_single_word(std::string_view text, std::size_t begin, std::size_t end) {
  std::size_t size = 0;
  const bool word_before =
      begin > 0 && is_word_character(last_character(text.substr(0, begin), size));
  const bool word_behind =
      end < text.size() && is_word_character(first_character(text.substr(end), size));
  return !word_before && !word_behind;
}

// `begin`, moved left over white space, but not past `limit`.
std::size_t before_spaces(std::string_view text, std::size_t begin, std::size_t limit) {
  std::size_t size = 0;
  while (begin > limit && is_white_space(last_character(text.substr(0, begin), size)))
    begin -= size;
  return begin;
}

std::size_t behind_spaces(std::string_view text, std::size_t end) {
  std::size_t size = 0;
  while (end < text.size() && is_white_space(first_character(text.substr(end), size))) end += size;
  return end;
}

std::uint64_t edge(std::int32_t node, unsigned char byte) {
  return static_cast<std::uint64_t>(node) << 8 | byte;
}

}  // namespace

void AddedTokenFinder::add(AddedToken token) {
  std::int32_t node = 0;
  for (const char letter : token.content) {
    const auto byte = static_cast<unsigned char>(letter);
    const auto fresh = static_cast<std::int32_t>(token_at_.size());
    const auto [edge_to, added] = children_.try_emplace(edge(node, byte), fresh);
    if (added) token_at_.push_back(kNone);
    if (node == 0) first_[byte] = edge_to->second;
    node = edge_to->second;
  }
  token_at_[static_cast<std::size_t>(node)] = static_cast<std::int32_t>(tokens_.size());
  tokens_.push_back(std::move(token));
}

std::int32_t AddedTokenFinder::child(std::int32_t node, unsigned char byte) const {
  if (node == 0) return first_[byte];
  const auto found = children_.find(edge(node, byte));
  return found == children_.end() ? kNone : found->second;
}

std::optional<AddedTokenFinder::Found> AddedTokenFinder::next(std::string_view text,
                                                              std::size_t from) const {
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    std::optional<Found> longest;
    std::int32_t node = 0;
    for (std::size_t at = begin; at < text.size(); ++at) {
      node = child(node, static_cast<unsigned char>(text[at]));
      if (node == kNone) break;
      const std::int32_t token = token_at_[static_cast<std::size_t>(node)];
      if (token != kNone) longest = {begin, at + 1, &tokens_[static_cast<std::size_t>(token)]};
    }
    if (longest) return longest;
  }
  return std::nullopt;
}

void AddedTokenFinder::split(std::string_view text, bool find_special, const Use& use) const {
  std::size_t done = 0;
  // A token that is passed over still hides those that overlap it, as in the reference.
  for (auto found = next(text, 0); found; found = next(text, found->end)) {
    const AddedToken& token = *found->token;
    if (token.special && !find_special) continue;
    if (token.single_word && !is_single_word(text, found->begin, found->end)) continue;
    // The token may lie in white space that the one before it took.
    const std::size_t own = std::max(found->begin, done);
    const std::size_t begin = token.left_space ? before_spaces(text, own, done) : own;
    const std::size_t found_end = std::max(found->end, begin);
    const std::size_t end = token.right_space ? behind_spaces(text, found_end) : found_end;
    if (begin > done) use(text.substr(done, begin - done), std::nullopt);
    use(text.substr(begin, end - begin), token.id);
    done = end;
  }
  if (done < text.size()) use(text.substr(done), std::nullopt);
}

}  // namespace sinkwise::tokenizer
