#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sinkwise::tokenizer {

// Offset of the first byte that is no part of a well-formed UTF-8 character; none when there is
// none.
std::optional<std::size_t> malformed_utf8(std::string_view text);

// The property White_Space of Unicode.
bool is_white_space(std::uint32_t code);

// What `\w` of the `tokenizers` library matches: alphabetic, marks, decimal digits, connectors.
bool is_word_character(std::uint32_t code);

// Whether the `tokenizers` library, whose normal forms are those of Unicode 9, leaves a character
// alone that younger tables decompose or order among other marks.
bool is_left_alone(std::uint32_t code);

// Text for PCRE2 in place of `text`, of the same length with characters at the same offsets: each
// character that PCRE2 classes otherwise than the `tokenizers` library (those younger than its
// Unicode 14, and U+180E, which it takes for a space) is replaced by one that both class as that
// library does. None, the usual case, when there is no such character.
std::optional<std::string> with_stand_ins(std::string_view text);

}  // namespace sinkwise::tokenizer
