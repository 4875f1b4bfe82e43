#include "sinkwise/core/mapped_file.h"

#include <cerrno>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <utility>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise {

MappedFile MappedFile::open(const std::filesystem::path& path, Links links) {
  const Descriptor descriptor = open_regular_file(path, links);
  struct stat status {};
  ::fstat(descriptor.get(), &status);
  MappedFile file;
  file.path_ = path;
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return file;  // an empty range cannot be mapped
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor.get(), 0);
  if (address == MAP_FAILED) {
    throw BadFile({.what = "cannot map a file into memory",
                   .where = printable(path.string()),
                   .expected = concat(size, " bytes of address space"),
                   .found = std::generic_category().message(errno),
                   .next = "check the file system and the limit that `ulimit -v` shows"});
  }
  file.bytes_ = {static_cast<const std::byte*>(address), size};
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace sinkwise
