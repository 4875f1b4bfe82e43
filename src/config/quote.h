#pragma once

#include <string>
#include <string_view>

namespace sinkwise::config {

// A TOML basic string: quoted, with quotes, backslashes and control characters escaped.
std::string quote(std::string_view text);

// TOML and JSON hold UTF-8 only.
bool is_utf8(std::string_view text);

// For messages: quoted, made printable and cut to a readable length.
std::string show(std::string_view text);

}  // namespace sinkwise::config
