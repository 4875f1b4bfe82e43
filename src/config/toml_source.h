#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "literal.h"

namespace sinkwise::config {

// One key = value of a TOML document, its tables flattened into a dotted key. A part of a key that
// is not a bare word stands in quotes, so that "a.b" = 1 is not mistaken for a.b = 1. A table
// without entries appears as a literal of kind "section".
struct TomlSetting {
  std::string key;
  std::int64_t line = 0;
  Literal literal;
};

// Where and why a document is not TOML; columns count from 1.
struct TomlFault {
  std::int64_t line = 0;
  std::int64_t column = 0;
  std::string message;
};

struct TomlDocument {
  std::vector<TomlSetting> settings;  // in the order of their lines
  std::vector<TomlFault> faults;      // at most one: the parser stops there
};

TomlDocument read_toml(std::string_view text);

}  // namespace sinkwise::config
