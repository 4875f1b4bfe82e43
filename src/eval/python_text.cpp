#include "python_text.h"

#include <algorithm>

namespace sinkwise::eval {
namespace {

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

}  // namespace

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
