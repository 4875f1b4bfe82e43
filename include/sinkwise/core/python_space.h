#pragma once

#include <cstddef>
#include <string_view>

namespace sinkwise {

// Prompts and chat templates are made by Python, and depend on what its str takes for white space.
// All texts here are UTF-8.

// Bytes of white space, as str.isspace() has it, at the end of a text.
std::size_t trailing_space(std::string_view text);

// str.strip()
std::string_view stripped(std::string_view text);

}  // namespace sinkwise
