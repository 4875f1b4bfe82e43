#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "sinkwise/core/file.h"

namespace sinkwise {

// A regular file mapped read-only: pages are read when touched and never copied, so that a file
// larger than memory can be opened. Moving the object does not move the bytes. Truncating the file
// while it is mapped ends the process with SIGBUS, as with every mapping; replacing it by rename is
// harmless.
class MappedFile {
 public:
  // BadFile when missing, unreadable or no regular file.
  static MappedFile open(const std::filesystem::path& path, Links links = Links::follow);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  MappedFile() = default;

  std::filesystem::path path_;
  std::span<const std::byte> bytes_;
};

}  // namespace sinkwise
