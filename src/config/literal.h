#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinkwise/config/value.h"

namespace sinkwise::config {

// A value as a TOML file writes it, before it is known what the key expects.
struct Literal {
  std::string kind;  // "integer", "float", "string", "boolean", "array", "date", "section"
  std::optional<Value> scalar;  // bool, int64, double or string
  std::vector<Literal> items;   // of an array
};

// A value of the wanted type, or what stands in its place.
struct Converted {
  std::optional<Value> value;
  std::string found;
};

// An integer serves where a number is expected; nothing else changes its type.
Converted convert(Type type, const Literal& literal);

// The text of an environment variable or of --set.
Converted parse(Type type, std::string_view text);

}  // namespace sinkwise::config
