#include "quote.h"

#include <nlohmann/json.hpp>

#include "sinkwise/core/text.h"

namespace sinkwise::config {

std::string quote(std::string_view text) {
  // JSON's escapes are a subset of TOML's, except that TOML wants DEL escaped too.
  std::string quoted;
  for (char c : nlohmann::json(text).dump()) {
    if (c == '\x7f') {
      quoted += "\\u007F";
    } else {
      quoted += c;
    }
  }
  return quoted;
}

bool is_utf8(std::string_view text) {
  try {
    nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

std::string show(std::string_view text) {
  constexpr std::size_t kShown = 60;
  const std::string tail = text.size() > kShown ? "..." : "";
  return "\"" + printable(text.substr(0, kShown)) + tail + "\"";
}

}  // namespace sinkwise::config
