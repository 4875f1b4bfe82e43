#pragma once

#include <string_view>

namespace sinkwise::data {

// Well-formed UTF-8 without NUL bytes: what a source file of text is.
bool is_text(std::string_view bytes);

}  // namespace sinkwise::data
