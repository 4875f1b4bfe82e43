#include "gguf_cursor.h"

#include "sinkwise/core/bytes.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/weights/gguf.h"

namespace sinkwise::weights {

std::span<const std::byte> GgufCursor::take(std::uint64_t size, std::string_view field) {
  if (size > remaining()) {
    refuse(field, concat(size, " bytes"), concat(remaining(), " bytes to the end of the file"));
  }
  const auto taken = bytes_.subspan(at_, size);
  at_ += size;
  return taken;
}

std::string_view GgufCursor::string_up_to(std::uint64_t longest, std::string_view field) {
  const std::uint64_t begin = at_;
  const auto length = number<std::uint64_t>(field);
  if (length > longest) {
    refuse(begin, field, concat("a length of at most ", longest), concat(length));
  }
  return text_of(take(length, field));
}

std::string_view GgufCursor::string(std::string_view field) {
  return string_up_to(kMaxGgufString, field);
}

std::string GgufCursor::name(std::string_view field) {
  const std::uint64_t begin = at_;
  std::string text(string_up_to(kMaxGgufName, field));
  // A name reaches terminals and JSON, where these would do harm.
  if (std::string shown = printable(text); shown != text) {
    refuse(begin, field, "UTF-8 without control characters", concat("'", shown, "'"));
  }
  return text;
}

void GgufCursor::refuse(std::uint64_t byte, std::string_view field, std::string expected,
                        std::string found) const {
  throw BadFile({.what = concat("not a valid GGUF file: ", printable(field)),
                 .where = concat(printable(path_.string()), ", byte ", byte),
                 .expected = std::move(expected),
                 .found = std::move(found),
                 .next = "fetch or convert the model again; the file may be truncated or damaged"});
}

}  // namespace sinkwise::weights
