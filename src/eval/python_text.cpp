#include "python_text.h"

#include <algorithm>

#include "sinkwise/core/utf8.h"

namespace sinkwise::eval {
namespace {

// Characters for which str.isspace() holds.
bool is_space(std::uint32_t code) {
  const auto within = [code](std::uint32_t first, std::uint32_t last) {
    return code >= first && code <= last;
  };
  return within(0x09, 0x0D) || within(0x1C, 0x20) || code == 0x85 || code == 0xA0 ||
         code == 0x1680 || within(0x2000, 0x200A) || within(0x2028, 0x2029) || code == 0x202F ||
         code == 0x205F || code == 0x3000;
}

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

bool begins_with_space(std::string_view text) {
  std::uint32_t code = 0;
  return !text.empty() && decode_utf8(text, code) > 0 && is_space(code);
}

}  // namespace

std::size_t trailing_space(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0) {
    std::size_t begin = end - 1;
    while (begin > 0 && continues(text[begin])) --begin;
    if (!begins_with_space(text.substr(begin, end - begin))) break;
    end = begin;
  }
  return text.size() - end;
}

std::string_view stripped(std::string_view text) {
  text.remove_suffix(trailing_space(text));
  while (begins_with_space(text)) {
    std::uint32_t code = 0;
    text.remove_prefix(decode_utf8(text, code));
  }
  return text;
}

std::int64_t characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char byte) { return !continues(byte); });
}

std::string capitalized(std::string text) {
  const auto shift = [](char& letter, char first, char last, int by) {
    if (letter >= first && letter <= last) letter = static_cast<char>(letter + by);
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 0) {
      shift(text[i], 'a', 'z', 'A' - 'a');
    } else {
      shift(text[i], 'A', 'Z', 'a' - 'A');
    }
  }
  return text;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  for (std::size_t at; (at = text.find(from)) != std::string_view::npos;) {
    result += text.substr(0, at);
    result += to;
    text.remove_prefix(at + from.size());
  }
  return result += text;
}

}  // namespace sinkwise::eval
