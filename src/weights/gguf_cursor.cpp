#include "gguf_cursor.h"

#include "sinkwise/core/bytes.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::weights {

std::span<const std::byte> GgufCursor::take(std::uint64_t size, std::string_view field) {
  if (size > remaining()) {
    refuse(field, concat(size, " bytes"), concat(remaining(), " bytes to the end of the file"));
  }
  const auto taken = bytes_.subspan(at_, size);
  at_ += size;
  return taken;
}

std::string_view GgufCursor::string(std::string_view field, std::uint64_t longest) {
  const std::uint64_t begin = at_;
  const auto length = number<std::uint64_t>(field);
  if (length > longest) {
    refuse(begin, field, concat("a length of at most ", longest), concat(length));
  }
  return text_of(take(length, field));
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
