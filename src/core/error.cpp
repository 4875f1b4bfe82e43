#include "sinkwise/core/error.h"

#include "sinkwise/core/utf8.h"

namespace sinkwise {
namespace {

void append_field(std::string& message, const char* label, const std::string& value) {
  if (value.empty()) return;
  message += "\n  ";
  message += label;
  message += value;
}

std::string message_of(const ErrorText& text) {
  std::string message = text.what;
  append_field(message, "where:    ", text.where);
  append_field(message, "expected: ", text.expected);
  append_field(message, "found:    ", text.found);
  append_field(message, "next:     ", text.next);
  return message;
}

// A file may hold a name or a number of a megabyte, which a message quotes. Whole characters stay.
void shorten(std::string& field, std::size_t most_bytes) {
  if (field.size() <= most_bytes) return;
  field.resize(character_boundary(field, most_bytes));
  field += "...";
}

const ErrorText& shortened(ErrorText& text) {
  shorten(text.what, 16'000);  // may list all that is wrong with a configuration, a line each
  for (std::string* field : {&text.where, &text.expected, &text.found, &text.next}) {
    shorten(*field, 4'000);
  }
  return text;
}

}  // namespace

Error::Error(Fault fault, ErrorText text)
    : std::runtime_error(message_of(shortened(text))), fault_(fault), text_(std::move(text)) {}

}  // namespace sinkwise
