#include "sinkwise/core/utf8.h"

#include <array>

namespace sinkwise {

std::size_t decode_utf8(std::string_view bytes, std::uint32_t& code) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  code = lead;
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || bytes.size() < length) return 0;
  code = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(bytes[i]);
    if ((next & 0xC0u) != 0x80u) return 0;
    code = (code << 6) | (next & 0x3Fu);
  }
  constexpr std::array<std::uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code < kSmallest[length] || code > 0x10FFFF || surrogate ? 0 : length;
}

void append_utf8(std::string& text, std::uint32_t code) {
  const auto following = [&](int shift) {
    text += static_cast<char>(0x80u | ((code >> shift) & 0x3Fu));
  };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0u | (code >> 6));
    following(0);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xE0u | (code >> 12));
    following(6);
    following(0);
  } else {
    text += static_cast<char>(0xF0u | (code >> 18));
    following(12);
    following(6);
    following(0);
  }
}

}  // namespace sinkwise
