#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sinkwise {

// Length in bytes of the well-formed UTF-8 character at the front of `bytes`, which may not be
// empty; 0 when there is none (overlong forms and surrogates included). `code` receives its number.
std::size_t decode_utf8(std::string_view bytes, std::uint32_t& code);

// Appends the UTF-8 form of a code point below 0x110000.
void append_utf8(std::string& text, std::uint32_t code);

}  // namespace sinkwise
