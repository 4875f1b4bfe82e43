#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

#include "sinkwise/core/descriptor.h"

namespace sinkwise::test {

// A file without a disk, whose content each run replaces.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    if (!descriptor_) fail("memfd_create");
    path_ = "/proc/self/fd/" + std::to_string(descriptor_.get());
  }

  const std::filesystem::path& hold(const std::uint8_t* data, std::size_t size) {
    if (::ftruncate(descriptor_.get(), static_cast<off_t>(size)) != 0) fail("ftruncate");
    if (::pwrite(descriptor_.get(), data, size, 0) != static_cast<ssize_t>(size)) fail("pwrite");
    return path_;
  }

 private:
  static void fail(const char* what) {
    std::perror(what);
    std::abort();
  }

  Descriptor descriptor_;
  std::filesystem::path path_;
};

}  // namespace sinkwise::test
