#pragma once

#include <optional>
#include <string_view>

#include "toml_source.h"

namespace sinkwise::config {

// The TOML library builds and frees a.b.c... = 1 by recursion, one level a part, so a few megabytes
// of dots would exhaust the stack. Finds the first place that nests deeper than any configuration
// does: more than 32 parts in one key or 32 open brackets.
std::optional<TomlFault> nesting_fault(std::string_view text);

}  // namespace sinkwise::config
