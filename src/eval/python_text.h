#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sinkwise::eval {

// The harness is written in Python, and its prompts depend on what Python's str does. All texts
// here are UTF-8.

// len(str): characters, not bytes.
std::int64_t characters(std::string_view text);

// str.capitalize() for ASCII letters; others stay as they are.
std::string capitalized(std::string text);

// str.replace(): every occurrence of `from`, left to right, none twice.
std::string replaced(std::string_view text, std::string_view from, std::string_view to);

}  // namespace sinkwise::eval
