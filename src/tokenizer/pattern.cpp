#include "pattern.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <iterator>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::tokenizer {
namespace {

constexpr std::size_t kLongest = 10'000;
constexpr int kLargestCount = 1000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_punctuation(char c) { return std::ispunct(static_cast<unsigned char>(c)) != 0 || c == ' '; }

bool is_general_category(std::string_view name) {
  constexpr std::string_view kNames[] = {"L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Mc",
                                         "Me", "N",  "Nd", "Nl", "No", "P",  "Pc", "Pd", "Ps",
                                         "Pe", "Pi", "Pf", "Po", "S",  "Sm", "Sc", "Sk", "So",
                                         "Z",  "Zs", "Zl", "Zp", "C",  "Cc", "Cf", "Co", "Cn"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

class Translator {
 public:
  Translator(std::string_view pattern, std::string_view where) : pattern_(pattern), where_(where) {}

  std::string translate() {
    if (pattern_.size() > kLongest) {
      refuse(0, concat("at most ", kLongest, " bytes"), concat(pattern_.size(), " bytes"));
    }
    while (at_ < pattern_.size()) item();
    return std::move(result_);
  }

 private:
  [[noreturn]] void refuse(std::size_t at, std::string expected, std::string found) const {
    throw Unsupported({.what = "a regular expression cannot be used here",
                       .where = concat(where_, ", offset ", at, " of the pattern"),
                       .expected = std::move(expected),
                       .found = std::move(found),
                       .next = "docs/tokenizers.md lists what is supported"});
  }

  [[noreturn]] void refuse_construct(std::size_t at, std::size_t size) const {
    refuse(at, "what Oniguruma and PCRE2 read alike",
           "'" + printable(pattern_.substr(at, size)) + "'");
  }

  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
  }

  void copy(std::size_t count) {
    result_ += pattern_.substr(at_, count);
    at_ += count;
  }

  void item() {
    switch (peek()) {
      case '\\':
        return escape();
      case '[':
        return set();
      case '(':
        return group();
      case '{':
        return count();
      default:
        return copy(1);
    }
  }

  void escape() {
    const char kind = peek(1);
    if (kind == 'p' || kind == 'P') return property();
    if (kind == 'x') return hexadecimal_byte();
    if (kind == 'u') return code_point();
    if (kind == 'v') {  // a vertical tab there, every vertical space in Perl
      result_ += "\\x0B";
      at_ += 2;
      return;
    }
    constexpr std::string_view kSame = "sSdDrntf";
    const bool same = kind != '\0' && (kSame.find(kind) != kSame.npos || is_punctuation(kind));
    if (!same) refuse_construct(at_, 2);
    copy(2);
  }

  // \p{L}: categories are called alike; a script by its bare name would mean its extensions in
  // PCRE2.
  void property() {
    const std::size_t end = pattern_.find('}', at_);
    if (peek(2) != '{' || end == pattern_.npos) refuse_construct(at_, 3);
    const std::string_view name = pattern_.substr(at_ + 3, end - at_ - 3);
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
    });
    if (!plain) refuse_construct(at_, end + 1 - at_);
    result_ += concat(pattern_.substr(at_, 3), is_general_category(name) ? "" : "sc:", name, "}");
    at_ = end + 1;
  }

  std::size_t hexadecimal_digits(std::size_t ahead) const {
    std::size_t digits = 0;
    while (std::isxdigit(static_cast<unsigned char>(peek(ahead + digits))) != 0) ++digits;
    return digits;
  }

  void hexadecimal_byte() {
    if (peek(2) == '{') {
      const std::size_t digits = hexadecimal_digits(3);
      if (digits == 0 || peek(3 + digits) != '}') refuse_construct(at_, 3);
      return copy(4 + digits);
    }
    // From 0x80 on Oniguruma means a byte of a character, not a character.
    if (hexadecimal_digits(2) < 2 || peek(2) >= '8') refuse_construct(at_, 4);
    copy(4);
  }

  void code_point() {
    if (hexadecimal_digits(2) < 4) refuse_construct(at_, 6);
    result_ += concat("\\x{", pattern_.substr(at_ + 2, 4), "}");
    at_ += 6;
  }

  void set() {
    const std::size_t begin = at_;
    copy(peek(1) == '^' ? 2 : 1);
    if (peek() == ']') refuse_construct(begin, at_ + 1 - begin);
    while (peek() != ']') {
      if (at_ >= pattern_.size()) refuse(begin, "a set that ends in ']'", "the end of the pattern");
      if (peek() == '[' || (peek() == '&' && peek(1) == '&')) refuse_construct(at_, 2);
      if (peek() == '\\') {
        escape();
      } else {
        copy(1);
      }
    }
    copy(1);
  }

  void group() {
    constexpr std::string_view kAlike[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:"};
    for (const std::string_view prefix : kAlike) {
      if (pattern_.substr(at_, prefix.size()) == prefix) return copy(prefix.size());
    }
    if (peek(1) == '?' || peek(1) == '*') refuse_construct(at_, 4);
    copy(1);
  }

  // {n}, {n,} or {n,m}; a brace that starts none is a character in both.
  void count() {
    const std::size_t end = pattern_.find('}', at_);
    const std::string_view inside =
        end == pattern_.npos ? std::string_view() : pattern_.substr(at_ + 1, end - at_ - 1);
    const bool counts = !inside.empty() && std::all_of(inside.begin(), inside.end(), [](char c) {
      return is_digit(c) || c == ',';
    });
    if (!counts) {
      result_ += "\\{";
      ++at_;
      return;
    }
    const std::size_t comma = inside.find(',');
    check_count(inside.substr(0, comma));
    if (comma != inside.npos && comma + 1 < inside.size()) check_count(inside.substr(comma + 1));
    const char after = end + 1 < pattern_.size() ? pattern_[end + 1] : '\0';
    // Oniguruma: "{n,m}+" repeats, "{n}?" is optional; in Perl possessive and lazy.
    if (after == '+' || (after == '?' && comma == inside.npos)) {
      refuse_construct(at_, end + 2 - at_);
    }
    copy(inside.size() + 2);
  }

  void check_count(std::string_view digits) const {
    int value = -1;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size() ||
        value > kLargestCount) {
      refuse(at_, concat("a count of at most ", kLargestCount),
             "'{" + printable(digits.substr(0, 20)) + "'");
    }
  }

  std::string_view pattern_;
  std::string_view where_;
  std::size_t at_ = 0;
  std::string result_;
};

}  // namespace

std::string perl_pattern(std::string_view pattern, std::string_view where) {
  return Translator(pattern, where).translate();
}

}  // namespace sinkwise::tokenizer
