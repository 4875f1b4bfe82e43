#include "byte_alphabet.h"

#include <cstdint>

#include "sinkwise/core/utf8.h"

namespace sinkwise::tokenizer {
namespace {

constexpr std::uint32_t kAlphabetEnd = 0x100 + 68;
constexpr std::int16_t kNone = -1;

constexpr bool writes_itself(std::uint32_t byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
}

// Code point -> byte.
constexpr std::array<std::int16_t, kAlphabetEnd> make_bytes() {
  std::array<std::int16_t, kAlphabetEnd> bytes{};
  std::uint32_t next = 0x100;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    if (!writes_itself(byte)) bytes[byte] = kNone;
    bytes[writes_itself(byte) ? byte : next++] = static_cast<std::int16_t>(byte);
  }
  return bytes;
}

constexpr auto kBytes = make_bytes();

}  // namespace

bool append_bytes_of_alphabet(std::string_view text, std::string& bytes) {
  while (!text.empty()) {
    std::uint32_t code = 0;
    const std::size_t size = decode_utf8(text, code);
    if (size == 0 || code >= kAlphabetEnd || kBytes[code] == kNone) return false;
    bytes += static_cast<char>(kBytes[code]);
    text.remove_prefix(size);
  }
  return true;
}

std::optional<std::string> bytes_of_alphabet(std::string_view text) {
  std::string bytes;
  if (!append_bytes_of_alphabet(text, bytes)) return std::nullopt;
  return bytes;
}

}  // namespace sinkwise::tokenizer
