#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace sinkwise {

// use(number, line) for every line of a text, counted from 1 and without its line break, until it
// returns false. A text that ends with a line break has no empty line after it.
template <typename Use>
void for_each_line(std::string_view text, const Use& use) {
  std::int64_t number = 0;
  for (std::size_t begin = 0, end; begin < text.size(); begin = end + 1) {
    end = std::min(text.find('\n', begin), text.size());
    if (!use(++number, text.substr(begin, end - begin))) return;
  }
}

// Whether a line holds nothing but white space of ASCII.
inline bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace sinkwise
