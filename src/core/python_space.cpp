#include "sinkwise/core/python_space.h"

#include <cstdint>

#include "sinkwise/core/utf8.h"

namespace sinkwise {
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

bool begins_with_space(std::string_view text) {
  std::uint32_t code = 0;
  return !text.empty() && decode_utf8(text, code) > 0 && is_space(code);
}

}  // namespace

std::size_t trailing_space(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0) {
    const std::size_t begin = character_boundary(text, end - 1);
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

}  // namespace sinkwise
