#include "python_text.h"

#include <algorithm>
#include <functional>

#include "sinkwise/core/utf8.h"

namespace sinkwise::eval {

std::int64_t characters(std::string_view text) {
  return std::ranges::count_if(text, std::not_fn(continues_character));
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
