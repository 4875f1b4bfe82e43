#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "scalars.h"
#include "sinkwise/core/mapped_file.h"

namespace sinkwise::weights {

// A place in a GGUF file that never goes past its end: every reading names its field and throws
// BadFile when the bytes are not there.
class GgufCursor {
 public:
  explicit GgufCursor(const MappedFile& file) : path_(file.path()), bytes_(file.bytes()) {}

  // A cursor over bytes that have been checked already.
  explicit GgufCursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::uint64_t offset() const { return at_; }
  std::uint64_t remaining() const { return bytes_.size() - at_; }
  std::span<const std::byte> read(std::uint64_t begin) const {
    return bytes_.subspan(begin, at_ - begin);
  }

  template <typename Number>
  Number number(std::string_view field) {
    return load<Number>(take(sizeof(Number), field).data());
  }

  std::string_view string(std::string_view field);  // of at most kMaxGgufString bytes, any of them

  // A string of at most kMaxGgufName bytes in UTF-8, without control characters.
  std::string name(std::string_view field);

  std::span<const std::byte> take(std::uint64_t size, std::string_view field);

  // At `byte`, or where the cursor stands.
  [[noreturn]] void refuse(std::uint64_t byte, std::string_view field, std::string expected,
                           std::string found) const;
  [[noreturn]] void refuse(std::string_view field, std::string expected, std::string found) const {
    refuse(at_, field, std::move(expected), std::move(found));
  }

 private:
  std::string_view string_up_to(std::uint64_t longest, std::string_view field);

  std::filesystem::path path_;
  std::span<const std::byte> bytes_;
  std::uint64_t at_ = 0;
};

}  // namespace sinkwise::weights
