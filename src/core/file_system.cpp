#include "sinkwise/core/file_system.h"

#include <atomic>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace sinkwise {
namespace {

FileSystem real;
std::atomic<FileSystem*> current{&real};

}  // namespace

int FileSystem::open(const char* path, int flags, unsigned mode) {
  return ::open(path, flags | O_CLOEXEC, mode);
}

std::ptrdiff_t FileSystem::write(int descriptor, const void* bytes, std::size_t size) {
  return ::write(descriptor, bytes, size);
}

int FileSystem::fsync(int descriptor) { return ::fsync(descriptor); }

int FileSystem::ftruncate(int descriptor, std::int64_t size) {
  return ::ftruncate(descriptor, size);
}

int FileSystem::rename(const char* from, const char* to) { return ::rename(from, to); }

int FileSystem::unlink(const char* path) { return ::unlink(path); }

int FileSystem::rmdir(const char* path) { return ::rmdir(path); }

int FileSystem::mkdir(const char* path, unsigned mode) { return ::mkdir(path, mode); }

std::int64_t FileSystem::free_bytes(const char* path) {
  struct statvfs volume {};
  if (::statvfs(path, &volume) != 0) return -1;
  return static_cast<std::int64_t>(volume.f_bavail * volume.f_frsize);
}

FileSystem& file_system() { return *current.load(); }

FileSystem* replace_file_system(FileSystem* replacement) {
  return current.exchange(replacement != nullptr ? replacement : &real);
}

}  // namespace sinkwise
