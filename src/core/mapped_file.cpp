#include "sinkwise/core/mapped_file.h"

#include <cerrno>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise {

MappedFile MappedFile::open(const std::filesystem::path& path, Links links) {
  MappedFile file;
  file.path_ = path;
  file.descriptor_ = open_regular_file(path, links);
  const std::size_t size = file.size_now();
  if (size == 0) return file;  // an empty range cannot be mapped
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.descriptor_.get(), 0);
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
    : path_(std::move(other.path_)),
      descriptor_(std::move(other.descriptor_)),
      bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

std::size_t MappedFile::size_now() const {
  struct stat status {};
  ::fstat(descriptor_.get(), &status);
  return static_cast<std::size_t>(status.st_size);
}

void MappedFile::check_size() const {
  const std::size_t size = size_now();
  if (size >= bytes_.size()) return;
  throw BadFile({.what = "a file became shorter while it was in use",
                 .where = printable(path_.string()),
                 .expected = concat(bytes_.size(), " bytes, as when it was opened"),
                 .found = concat(size, " bytes"),
                 .next = "replace a file by renaming over it, never by writing into it"});
}

void MappedFile::release(std::span<const std::byte> part) const {
  if (part.empty()) return;
  static const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = static_cast<std::size_t>(part.data() - bytes_.data()) / page * page;
  const auto end = static_cast<std::size_t>(part.data() + part.size() - bytes_.data());
  // A hint: when the system declines it, the pages stay until it needs the memory.
  ::madvise(const_cast<std::byte*>(bytes_.data()) + begin, end - begin, MADV_DONTNEED);
}

}  // namespace sinkwise
