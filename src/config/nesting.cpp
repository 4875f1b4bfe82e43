#include "nesting.h"

namespace sinkwise::config {
namespace {

constexpr int kDeepest = 32;

// Walks the text outside comments and strings. An ill-formed string ends at its line's end here and
// stops the real parser at the same place, so the two cannot drift apart before it.
class NestingScanner {
 public:
  explicit NestingScanner(std::string_view text) : text_(text) {}

  std::optional<TomlFault> scan() {
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == '#') {
        skip_to_newline();
      } else if (c == '"' || c == '\'') {
        skip_string(c);
      } else {
        count(c);
        if (parts_ > kDeepest || open_ > kDeepest) return fault();
        advance();
      }
    }
    return std::nullopt;
  }

 private:
  void count(char c) {
    if (c == '.') {
      ++parts_;
    } else if (c == '=' || c == ',' || c == '\n' || c == '[' || c == '{') {
      parts_ = 1;
    }
    if (c == '[' || c == '{') ++open_;
    if ((c == ']' || c == '}') && open_ > 0) --open_;
  }

  void advance() {
    if (text_[position_] == '\n') {
      ++line_;
      line_start_ = position_ + 1;
    }
    ++position_;
  }

  void skip_to_newline() {
    while (position_ < text_.size() && text_[position_] != '\n') advance();
  }

  void skip_string(char mark) {
    const std::string_view triple = mark == '"' ? "\"\"\"" : "'''";
    const bool long_form = text_.substr(position_, 3) == triple;
    const std::string_view end = long_form ? triple : triple.substr(0, 1);
    for (std::size_t i = 0; i < end.size(); ++i) advance();
    while (position_ < text_.size() && text_.substr(position_, end.size()) != end) {
      if (!long_form && text_[position_] == '\n') return;
      const bool escape = mark == '"' && text_[position_] == '\\';
      advance();
      if (escape && position_ < text_.size() && text_[position_] != '\n') advance();
    }
    // A long string may end in up to five marks, the first two of which belong to its text.
    const int most = long_form ? 5 : 1;
    for (int i = 0; i < most && position_ < text_.size() && text_[position_] == mark; ++i)
      advance();
  }

  TomlFault fault() const {
    return {line_, static_cast<std::int64_t>(position_ - line_start_) + 1,
            "nested more than 32 levels deep"};
  }

  std::string_view text_;
  std::size_t position_ = 0;
  std::size_t line_start_ = 0;
  std::int64_t line_ = 1;
  int parts_ = 1;  // of the key being read
  int open_ = 0;   // brackets and braces
};

}  // namespace

std::optional<TomlFault> nesting_fault(std::string_view text) {
  return NestingScanner(text).scan();
}

}  // namespace sinkwise::config
