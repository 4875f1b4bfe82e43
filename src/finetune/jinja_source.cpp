#include "jinja_source.h"

#include <algorithm>
#include <optional>

namespace sinkwise::finetune {
namespace {

constexpr char kTextBegin = '\x01';
constexpr std::string_view kSpace = " \t\n";

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_blank(std::string_view text) { return text.find_first_not_of(kSpace) == text.npos; }

// Reads a source from front to back and writes its canonical form.
class Reader {
 public:
  explicit Reader(std::string_view source) : rest_(source) {}

  std::optional<std::string> read() {
    while (!rest_.empty()) {
      const std::size_t open = rest_.find('{');
      const char kind = open != rest_.npos && open + 1 < rest_.size() ? rest_[open + 1] : ' ';
      if (kind == '#') return std::nullopt;
      if (kind != '{' && kind != '%') {  // nothing but text up to here
        const std::size_t end = open == rest_.npos ? rest_.size() : open + 1;
        pending_ += rest_.substr(0, end);
        rest_.remove_prefix(end);
        continue;
      }
      pending_ += rest_.substr(0, open);
      rest_.remove_prefix(open + 2);
      if (!tag(kind)) return std::nullopt;
    }
    text(pending_);
    return std::move(result_);
  }

 private:
  void text(std::string_view written) {
    if (!written.empty()) result_ += kTextBegin + std::string(written);
  }

  // What stands before a tag, less the white space that the tag takes.
  void text_before(char kind) {
    std::string_view before = pending_;
    const bool minus = rest_.starts_with('-'), plus = rest_.starts_with('+');
    if (minus) {
      before = before.substr(0, before.find_last_not_of(kSpace) + 1);
    } else if (kind == '%' && !plus) {
      const std::size_t line = before.rfind('\n') + 1;  // npos + 1 is 0: no line begins there
      const bool begins = line > 0 || at_line_;
      if (begins && is_blank(before.substr(line))) before = before.substr(0, line);
    }
    text(before);
    pending_.clear();
    if (minus || plus) rest_.remove_prefix(1);
  }

  // The white space that a tag takes after it.
  void skip_after(char kind, char sign) {
    std::size_t taken = 0;
    if (sign == '-') taken = std::min(rest_.find_first_not_of(kSpace), rest_.size());
    if (sign == ' ' && kind == '%' && rest_.starts_with('\n')) taken = 1;
    at_line_ = taken > 0 && rest_[taken - 1] == '\n';
    rest_.remove_prefix(taken);
  }

  bool tag(char kind) {
    text_before(kind);
    result_ += {'{', kind};
    const char close = kind == '{' ? '}' : '%';
    while (!rest_.empty()) {
      const bool sign = rest_[0] == '-' || (rest_[0] == '+' && kind == '%');
      const std::string_view end = rest_.substr(sign ? 1 : 0, 2);
      if (end.size() == 2 && end[0] == close && end[1] == '}') {
        const char which = sign ? rest_[0] : ' ';
        rest_.remove_prefix(sign ? 3 : 2);
        result_ += {close, '}'};
        skip_after(kind, which);
        return true;
      }
      if (rest_[0] == '\'' || rest_[0] == '"') {
        if (!quoted()) return false;
      } else {
        symbol();
      }
    }
    return false;
  }

  // One character outside of quotation marks; of the space between words one is left.
  void symbol() {
    const std::size_t space = std::min(rest_.find_first_not_of(kSpace), rest_.size());
    rest_.remove_prefix(space);
    if (rest_.empty()) return;
    if (space == 0) {
      result_ += rest_[0];
      rest_.remove_prefix(1);
    } else if (is_word(result_.back()) && is_word(rest_[0])) {
      result_ += ' ';
    }
  }

  bool quoted() {
    const char mark = rest_[0];
    result_ += kQuoteBegin;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == mark) {
        result_ += kQuoteEnd;
        rest_.remove_prefix(i + 1);
        return true;
      }
      if (rest_[i] == '\\' && ++i < rest_.size()) {
        const char c = rest_[i];
        if (c != 'n' && c != '\'' && c != '"') result_ += '\\';
        result_ += c == 'n' ? '\n' : c;
      } else if (i < rest_.size()) {
        result_ += rest_[i];
      }
    }
    return false;
  }

  std::string_view rest_;
  std::string pending_, result_;  // pending_: text whose end has not been seen
  bool at_line_ = true;           // what was read last ended a line
};

}  // namespace

std::string canonical(std::string_view source) {
  for (const char c : source) {
    if (c >= 0 && c < ' ' && c != '\n' && c != '\t') return {};
  }
  if (source.ends_with('\n')) source.remove_suffix(1);  // as Jinja does
  return Reader(source).read().value_or("");
}

}  // namespace sinkwise::finetune
