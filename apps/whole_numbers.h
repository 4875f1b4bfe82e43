#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "sinkwise/core/text.h"

namespace sinkwise::apps {

// A whole number, `least` or more; the library's own check says "not in range 0 to 1.8e308".
inline CLI::Validator at_least(std::int64_t least) {
  const std::string wanted = concat("a whole number, at least ", least);
  return CLI::Validator(
      [=](const std::string& text) {
        std::int64_t value = 0;
        const bool holds = CLI::detail::lexical_cast(text, value) && value >= least;
        return holds ? std::string() : concat("expected ", wanted, ", found ", text);
      },
      concat(">= ", least));
}

// The option of every command that calculates. More threads than this cannot all be started.
template <typename Count>
void add_threads(CLI::App& command, Count& threads) {
  command.add_option("--threads", threads, "0: one a core")->check(CLI::Range(0, 1024));
}

}  // namespace sinkwise::apps
