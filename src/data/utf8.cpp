#include "utf8.h"

#include <algorithm>
#include <cstdint>

namespace sinkwise::data {
namespace {

struct Lead {
  std::size_t following;  // bytes after the first; 0 also for a byte that cannot lead
  unsigned char low =
      0x80;  // allowed range of the second byte: excludes overlong forms, surrogates
  unsigned char high = 0xBF;  // and numbers above U+10FFFF
};

// The table of well-formed byte sequences of the Unicode standard, from C2 on.
Lead lead_of(unsigned char byte) {
  if (byte < 0xC2 || byte > 0xF4) return {0};
  if (byte < 0xE0) return {1};
  if (byte == 0xE0) return {2, 0xA0, 0xBF};
  if (byte == 0xED) return {2, 0x80, 0x9F};
  if (byte < 0xF0) return {2};
  if (byte == 0xF0) return {3, 0x90, 0xBF};
  if (byte == 0xF4) return {3, 0x80, 0x8F};
  return {3};
}

// Bytes of the character in front, 0 when there is none.
std::size_t character_size(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (byte(0) < 0x80) return byte(0) == 0 ? 0 : 1;
  const Lead lead = lead_of(byte(0));
  if (lead.following == 0 || bytes.size() <= lead.following) return 0;
  if (byte(1) < lead.low || byte(1) > lead.high) return 0;
  for (std::size_t i = 2; i <= lead.following; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return 1 + lead.following;
}

}  // namespace

bool is_text(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t size = character_size(bytes);
    if (size == 0) return false;
    bytes.remove_prefix(size);
  }
  return true;
}

}  // namespace sinkwise::data
