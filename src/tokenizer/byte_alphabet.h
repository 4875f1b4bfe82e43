#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace sinkwise::tokenizer {

// Byte-level vocabularies write each byte as one printable character: the bytes '!'..'~',
// 0xA1..0xAC and 0xAE..0xFF as the character of that number, the other 68 in ascending order as
// U+0100, U+0101,
// ... (GPT-2; the space is U+0120).

// The bytes that `text` writes; none when a character is outside that alphabet.
std::optional<std::string> bytes_of_alphabet(std::string_view text);

// Same, appended to `bytes`; false, and `bytes` unspecified, when a character is outside.
bool append_bytes_of_alphabet(std::string_view text, std::string& bytes);

}  // namespace sinkwise::tokenizer
