#pragma once

#include <cstddef>
#include <cstdint>

namespace sinkwise {

// Every operation that changes a disk, with the meaning and the results of the POSIX call of that
// name: -1 and errno on failure. The base class is the real thing. Nothing else in sinkwise writes
// to a disk, so that a test can replace this class, count the operations, and end the process or
// report a full disk at any one of them.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual int open(const char* path, int flags, unsigned mode);
  virtual std::ptrdiff_t write(int descriptor, const void* bytes, std::size_t size);
  virtual int fsync(int descriptor);
  virtual int ftruncate(int descriptor, std::int64_t size);
  virtual int rename(const char* from, const char* to);
  virtual int unlink(const char* path);
  virtual int rmdir(const char* path);
  virtual int mkdir(const char* path, unsigned mode);

  // Bytes that an unprivileged user may still write on the volume of `path`; -1 when unknown.
  virtual std::int64_t free_bytes(const char* path);
};

// The one in use by the whole process.
FileSystem& file_system();

// Puts `replacement` in use (the real one for nullptr) and returns the one before. The caller keeps
// the replacement alive and lets no other thread write meanwhile.
FileSystem* replace_file_system(FileSystem* replacement);

}  // namespace sinkwise
