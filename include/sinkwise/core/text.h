#pragma once

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace sinkwise {

// The arguments, each as operator<< prints it, joined without a separator. For error messages in
// units that may not include fmt (Torch bundles its own).
template <typename... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
}

// "a, b, c"
std::string join(const std::vector<std::string>& parts, std::string_view separator = ", ");

// The candidate with the smallest edit distance (insert, delete, substitute, swap of neighbours) to
// `word`, or empty when none is closer than a third of the longer length: a wild guess misleads
// more than it helps.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

// Control, escape and bidirectional characters and invalid UTF-8 become visible escapes (\x1b), so
// that a name read from a file cannot drive a terminal.
std::string printable(std::string_view bytes);

}  // namespace sinkwise
