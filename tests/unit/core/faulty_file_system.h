#pragma once

#include <cerrno>
#include <cstdint>
#include <limits>
#include <optional>
#include <signal.h>
#include <unistd.h>

#include "sinkwise/core/file_system.h"

namespace sinkwise::test {

// The real file system with one fault at operation number `at` (the first is 1). fsync is only
// counted: killing a process loses nothing that the kernel has.
class FaultyFileSystem : public FileSystem {
 public:
  enum class Fault {
    none,
    kill,         // SIGKILL before the operation
    kill_midway,  // SIGKILL after half of a write; before any other operation
    error_once,   // the operation fails with `error`
    disk_full,    // from here on what needs room fails with `error`; removing and renaming work
    disk_dead,    // from here on everything fails with `error`
  };

  FaultyFileSystem(Fault fault, std::int64_t at, int error = ENOSPC)
      : fault_(fault), at_(at), error_(error) {
    previous_ = replace_file_system(this);
  }
  ~FaultyFileSystem() override { replace_file_system(previous_); }

  std::int64_t operations() const { return count_; }
  void set_free_bytes(std::int64_t free) { free_ = free; }
  void limit_write(std::size_t most) { most_ = most; }  // every write is at most that long

  int open(const char* path, int flags, unsigned mode) override {
    return fails(true) ? -1 : FileSystem::open(path, flags, mode);
  }
  std::ptrdiff_t write(int descriptor, const void* bytes, std::size_t size) override {
    if (fault_ == Fault::kill_midway && count_ + 1 == at_) {
      [[maybe_unused]] const auto half = FileSystem::write(descriptor, bytes, size / 2);
    }
    return fails(true) ? -1 : FileSystem::write(descriptor, bytes, size < most_ ? size : most_);
  }
  int fsync(int) override { return fails(true) ? -1 : 0; }
  int ftruncate(int descriptor, std::int64_t size) override {
    return fails(false) ? -1 : FileSystem::ftruncate(descriptor, size);
  }
  int rename(const char* from, const char* to) override {
    return fails(false) ? -1 : FileSystem::rename(from, to);
  }
  int unlink(const char* path) override { return fails(false) ? -1 : FileSystem::unlink(path); }
  int rmdir(const char* path) override { return fails(false) ? -1 : FileSystem::rmdir(path); }
  int mkdir(const char* path, unsigned mode) override {
    return fails(true) ? -1 : FileSystem::mkdir(path, mode);
  }
  std::int64_t free_bytes(const char* path) override {
    return free_ ? *free_ : FileSystem::free_bytes(path);
  }

 private:
  bool fails(bool needs_room) {
    ++count_;
    const bool here = count_ == at_;
    if (here && (fault_ == Fault::kill || fault_ == Fault::kill_midway))
      ::kill(::getpid(), SIGKILL);
    const bool lasting = fault_ == Fault::disk_dead || (fault_ == Fault::disk_full && needs_room);
    const bool failing = (lasting && count_ >= at_) || (here && fault_ == Fault::error_once);
    if (!failing) return false;
    errno = error_;
    return true;
  }

  Fault fault_;
  std::int64_t at_;
  int error_;
  std::int64_t count_ = 0;
  std::size_t most_ = std::numeric_limits<std::size_t>::max();
  std::optional<std::int64_t> free_;
  FileSystem* previous_;
};

}  // namespace sinkwise::test
