#include "characters.h"

#include <algorithm>
#include <iterator>
#include <utf8proc.h>

#include "sinkwise/core/utf8.h"

namespace sinkwise::tokenizer {
namespace {

struct Recent {
  std::uint32_t first;
  std::uint32_t last;
  std::uint32_t stand_in;
};
constexpr Recent kRecent[] = {
#include "recent_characters.inc"
};

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};
constexpr Range kLeftAlone[] = {
#include "unnormalized_characters.inc"
};

// The row whose range holds `code`; nullptr when none does.
template <typename Row, std::size_t kRows>
const Row* find_row(const Row (&rows)[kRows], std::uint32_t code) {
  const Row* const row =
      std::lower_bound(std::begin(rows), std::end(rows), code,
                       [](const Row& range, std::uint32_t wanted) { return range.last < wanted; });
  return row != std::end(rows) && row->first <= code ? row : nullptr;
}

constexpr std::uint32_t kMongolianVowelSeparator = 0x180E;  // a format character since Unicode 6.3
constexpr std::uint32_t kWordJoiner = 0x2060;               // another one

// `code` itself when PCRE2 needs no stand-in.
std::uint32_t stand_in(std::uint32_t code) {
  if (code == kMongolianVowelSeparator) return kWordJoiner;
  const Recent* const row = find_row(kRecent, code);
  return row != nullptr ? row->stand_in : code;
}

bool within(std::uint32_t code, std::uint32_t first, std::uint32_t last) {
  return code >= first && code <= last;
}

// Letters that Unicode counts among the symbols: circled and squared ones.
bool is_letter_symbol(std::uint32_t code) {
  return within(code, 0x24B6, 0x24E9) || within(code, 0x1F130, 0x1F149) ||
         within(code, 0x1F150, 0x1F169) || within(code, 0x1F170, 0x1F189);
}

}  // namespace

std::optional<std::size_t> malformed_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    std::uint32_t code = 0;
    const std::size_t size = decode_utf8(text.substr(at), code);
    if (size == 0) return at;
    at += size;
  }
  return std::nullopt;
}

bool is_white_space(std::uint32_t code) {
  return within(code, 0x09, 0x0D) || code == 0x20 || code == 0x85 || code == 0xA0 ||
         code == 0x1680 || within(code, 0x2000, 0x200A) || code == 0x2028 || code == 0x2029 ||
         code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_word_character(std::uint32_t code) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(stand_in(code)))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return is_letter_symbol(code) || code == 0x200C || code == 0x200D;
  }
}

bool is_left_alone(std::uint32_t code) {
  return find_row(kLeftAlone, code) != nullptr || find_row(kRecent, code) != nullptr;
}

std::optional<std::string> with_stand_ins(std::string_view text) {
  std::optional<std::string> replaced;
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0xE0) {  // all of them take three bytes or four
      ++at;
      continue;
    }
    std::uint32_t code = 0;
    const std::size_t size = decode_utf8(text.substr(at), code);
    const std::uint32_t other = stand_in(code);
    if (other != code) {
      if (!replaced) replaced = std::string(text);
      std::string bytes;
      append_utf8(bytes, other);
      replaced->replace(at, size, bytes);
    }
    at += size;
  }
  return replaced;
}

}  // namespace sinkwise::tokenizer
