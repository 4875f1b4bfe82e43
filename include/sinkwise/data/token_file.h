#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "sinkwise/core/mapped_file.h"

namespace sinkwise::data {

// A file of token ids in llm.c's layout, little endian:
//   256 int32   header: [0] magic, [1] version, [2] count of tokens, the rest 0
//   count ids   magic 20240520, version 1: uint16; magic 20240801, version 7: uint32
// Mapped, never read whole.
class TokenFile {
 public:
  // BadFile when the file is missing, unreadable or no regular file, its magic or version is
  // unknown, its count is not positive, or its size is not what the count says.
  static TokenFile open(const std::filesystem::path& path);

  std::int64_t size() const { return size_; }  // tokens
  int bytes_per_id() const { return bytes_per_id_; }
  const std::filesystem::path& path() const { return file_.path(); }

  // Copies tokens [first, first + ids.size()). BadFile when one is not below `vocabulary`;
  // BadArgument when the range leaves the file.
  void read(std::int64_t first, std::span<std::int32_t> ids, std::int64_t vocabulary) const;

  // Reads the whole file. BadFile when an id is not below `vocabulary`.
  std::int64_t largest_id(std::int64_t vocabulary) const;

  // A hash of the size and of the first and last 64 KiB: tells files apart without reading them.
  std::uint64_t fingerprint() const;

 private:
  explicit TokenFile(MappedFile file) : file_(std::move(file)) {}
  std::uint32_t id(std::int64_t place) const;
  std::int32_t checked_id(std::int64_t place, std::int64_t vocabulary) const;

  MappedFile file_;
  std::int64_t size_ = 0;
  int bytes_per_id_ = 2;
};

// Writes the file atomically with ids of 2 or 4 bytes. BadArgument when an id does not fit, there
// is none, or there are 2^31 or more.
void write_token_file(const std::filesystem::path& path, std::span<const std::int32_t> ids,
                      int bytes_per_id);

}  // namespace sinkwise::data
