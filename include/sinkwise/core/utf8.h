#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sinkwise {

// Length in bytes of the well-formed UTF-8 character at the front of `bytes`, which may not be
// empty; 0 when there is none (overlong forms and surrogates included). `code` receives its number.
std::size_t decode_utf8(std::string_view bytes, std::uint32_t& code);

// Whether a byte goes on with a character that an earlier one began.
inline bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0u) == 0x80u;
}

// The last place, `at` or before it, where a character of UTF-8 begins or the text ends.
inline std::size_t character_boundary(std::string_view text, std::size_t at) {
  if (at >= text.size()) return text.size();
  while (at > 0 && continues_character(text[at])) --at;
  return at;
}

// Appends the UTF-8 form of a code point below 0x110000.
void append_utf8(std::string& text, std::uint32_t code);

}  // namespace sinkwise
