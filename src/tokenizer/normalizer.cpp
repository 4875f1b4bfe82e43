#include "normalizer.h"

#include <algorithm>
#include <array>
#include <utf8proc.h>

#include "characters.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/core/utf8.h"

namespace sinkwise::tokenizer {
namespace {

using Codes = std::vector<utf8proc_int32_t>;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

[[noreturn]] void fail(utf8proc_ssize_t error) {
  throw InternalError({.what = "a text cannot be normalised",
                       .where = "utf8proc",
                       .expected = {},
                       .found = utf8proc_errmsg(error),
                       .next = {}});
}

// A noncharacter, which no form changes or moves. It stands in for the characters to leave alone,
// and for itself, while the others change around it.
constexpr utf8proc_int32_t kPlaceholder = 0xFDD0;

// `hidden` receives what the placeholders of the result stand for, in order.
Codes decompose(std::string_view text, bool compatible, std::vector<std::uint32_t>& hidden) {
  const auto options =
      static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0));
  Codes codes;
  codes.reserve(text.size());
  std::array<utf8proc_int32_t, 64> parts{};  // the longest decomposition has 18
  while (!text.empty()) {
    std::uint32_t code = 0;
    text.remove_prefix(decode_utf8(text, code));
    if (is_left_alone(code) || code == kPlaceholder) {
      hidden.push_back(code);
      codes.push_back(kPlaceholder);
      continue;
    }
    int boundary = 0;
    const utf8proc_ssize_t count = utf8proc_decompose_char(
        static_cast<utf8proc_int32_t>(code), parts.data(), parts.size(), options, &boundary);
    if (count < 0 || count > static_cast<utf8proc_ssize_t>(parts.size())) fail(count);
    codes.insert(codes.end(), parts.begin(), parts.begin() + count);
  }
  return codes;
}

// Canonical order: marks between two starters by their class. utf8proc's own sort of them takes
// quadratic time, which a text of nothing but marks would turn into a hang.
void order_marks(Codes& codes) {
  const auto mark_class = [](utf8proc_int32_t code) {
    return utf8proc_get_property(code)->combining_class;
  };
  const auto is_starter = [&](utf8proc_int32_t code) { return mark_class(code) == 0; };
  const auto lower = [&](utf8proc_int32_t a, utf8proc_int32_t b) {
    return mark_class(a) < mark_class(b);
  };
  for (auto begin = codes.begin(); begin != codes.end();) {
    begin = std::find_if_not(begin, codes.end(), is_starter);
    const auto end = std::find_if(begin, codes.end(), is_starter);
    std::stable_sort(begin, end, lower);
    begin = end;
  }
}

std::string to_form(NormalForm form, std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  std::vector<std::uint32_t> hidden;
  Codes codes = decompose(text, form.compatible, hidden);
  order_marks(codes);
  if (form.compose) {
    const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    const auto size = utf8proc_normalize_utf32(
        codes.data(), static_cast<utf8proc_ssize_t>(codes.size()), options);
    if (size < 0) fail(size);
    codes.resize(static_cast<std::size_t>(size));
  }
  std::string result;
  result.reserve(text.size());
  auto next_hidden = hidden.begin();
  for (const utf8proc_int32_t code : codes) {
    append_utf8(result, code == kPlaceholder ? *next_hidden++ : static_cast<std::uint32_t>(code));
  }
  return result;
}

std::string replace_matches(std::string_view text, const Regex& regex, std::string_view with) {
  std::string result;
  std::size_t done = 0;
  for (const auto& [begin, end] : regex.find_all(text)) {
    result += text.substr(done, begin - done);
    result += with;
    done = end;
  }
  result += text.substr(done);
  return result;
}

struct Apply {
  std::string_view text;

  std::string operator()(const NormalForm& form) const { return to_form(form, text); }
  std::string operator()(const Prepend& prepend) const {
    return text.empty() ? std::string() : concat(prepend.text, text);
  }
  std::string operator()(const Replace& replace) const {
    const auto* const literal = std::get_if<std::string>(&replace.what);
    return literal != nullptr ? replace_all(text, *literal, replace.with)
                              : replace_matches(text, std::get<Regex>(replace.what), replace.with);
  }
};

}  // namespace

std::string replace_all(std::string_view text, std::string_view what, std::string_view with) {
  std::string result;
  std::size_t done = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, done)) {
    result += text.substr(done, at - done);
    result += with;
    done = at + what.size();
  }
  result += text.substr(done);
  return result;
}

std::string normalize(const std::vector<NormalizerStep>& steps, std::string_view text) {
  std::string result(text);
  for (const NormalizerStep& step : steps) result = std::visit(Apply{result}, step);
  return result;
}

}  // namespace sinkwise::tokenizer
