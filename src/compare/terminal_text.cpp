#include "terminal_text.h"

#include <algorithm>
#include <functional>
#include <sstream>

#include "sinkwise/compare/output.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/core/utf8.h"

namespace sinkwise::compare {
namespace {

// Columns taken up on screen: one a UTF-8 character, which is right for all but wide scripts.
int columns(const std::string& text) {
  return static_cast<int>(std::ranges::count_if(text, std::not_fn(continues_character)));
}

}  // namespace

void require_width(int width) {
  if (width < kFewestColumns)
    throw BadArgument({.what = "The terminal is too narrow for the table.",
                       .where = "to_terminal(), width",
                       .expected = concat("at least ", kFewestColumns, " columns"),
                       .found = concat(width),
                       .next = "widen the window, or read report.html"});
}

std::string cut(const std::string& text, int width) {
  if (columns(text) <= width) return text;
  std::string kept;
  int used = 0;
  for (const char c : text) {
    if (!continues_character(c) && ++used >= width) break;
    kept += c;
  }
  return kept + "\u2026";
}

std::string left(const std::string& text, int width) {
  const std::string shown = cut(text, width);
  return shown + std::string(static_cast<std::size_t>(width - columns(shown)), ' ');
}

std::string right(const std::string& text, int width) {
  const std::string shown = cut(text, width);
  return std::string(static_cast<std::size_t>(width - columns(shown)), ' ') + shown;
}

std::string wrapped(const std::string& lead, const std::string& text, int width) {
  const std::string indent(static_cast<std::size_t>(columns(lead)), ' ');
  std::istringstream words(text);
  std::string lines, line = lead, word;
  bool fresh = true;  // the line holds no word yet
  while (words >> word) {
    word = cut(word, width - columns(lead));
    if (!fresh && columns(line) + 1 + columns(word) > width) {
      lines += line + "\n";
      line = indent;
      fresh = true;
    }
    line += (fresh ? "" : " ") + word;
    fresh = false;
  }
  return lines + line + "\n";
}

}  // namespace sinkwise::compare
