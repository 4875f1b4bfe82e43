#pragma once

#include <string>

// Text in columns of a terminal. A UTF-8 character takes up one, which is right for all but wide
// scripts.
namespace sinkwise::compare {

// BadArgument for fewer columns than a table needs.
void require_width(int width);

// `text`, cut with an ellipsis or filled with spaces to exactly `width` columns.
std::string left(const std::string& text, int width);
std::string right(const std::string& text, int width);

// The same, cut but not filled.
std::string cut(const std::string& text, int width);

// Words of `text` on lines of `width` columns, the first led by `lead`, the others by as many
// spaces; with a line feed at the end.
std::string wrapped(const std::string& lead, const std::string& text, int width);

}  // namespace sinkwise::compare
