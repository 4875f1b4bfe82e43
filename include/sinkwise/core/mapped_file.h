#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "sinkwise/core/file.h"

namespace sinkwise {

// A regular file mapped read-only: pages are read when touched and never copied, so that a file
// larger than memory can be opened. Moving the object does not move the bytes. Replacing the file
// by rename is harmless. Truncating it while it is mapped is not: touching what is gone ends the
// process with SIGBUS, as with every mapping. check_size() before a longer reading turns most such
// accidents into an error; none can catch a truncation during the reading.
class MappedFile {
 public:
  // BadFile when missing, unreadable or no regular file.
  static MappedFile open(const std::filesystem::path& path, Links links = Links::follow);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }

  // BadFile when the file is now shorter than what was mapped.
  void check_size() const;

  // Gives the memory of the pages that `part` touches back to the system; reading them again reads
  // the file again. `part` lies within bytes().
  void release(std::span<const std::byte> part) const;

  const std::filesystem::path& path() const { return path_; }

 private:
  MappedFile() = default;
  std::size_t size_now() const;

  std::filesystem::path path_;
  Descriptor descriptor_;  // kept open: the name may lead to another file by now
  std::span<const std::byte> bytes_;
};

}  // namespace sinkwise
