#include "sinkwise/core/error.h"

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

}  // namespace

Error::Error(Fault fault, ErrorText text)
    : std::runtime_error(message_of(text)), fault_(fault), text_(std::move(text)) {}

}  // namespace sinkwise
