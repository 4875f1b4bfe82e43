#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "sinkwise/core/descriptor.h"

namespace sinkwise {

// Everything here that writes throws ResourceError (exit code 4) with the path, the reason and, for
// a full disk, the bytes needed and free; everything that reads throws BadFile (exit code 3).

// A file that is being written. Bytes are on the disk only after sync(); the destructor closes
// without it.
class OutputFile {
 public:
  enum class Mode {
    create,  // the file must not exist, not even as a dangling link
    append,  // created when missing; writes go to the end
  };

  OutputFile(std::filesystem::path path, Mode mode);

  void write(std::span<const std::byte> bytes);
  void sync();
  void
  sync_name();  // the entry in its directory, so that a new file is still there after a power loss
  void truncate(std::uint64_t size);
  void close() { descriptor_.reset(); }
  std::uint64_t size() const;
  int descriptor() const { return descriptor_.get(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  Descriptor descriptor_;
};

// A file that appears under its name complete or not at all: written as `<path>.tmp-<16 hex
// digits>`, synced, renamed over `path`, the directory synced. Destroyed before commit() it removes
// the temporary; only a kill can leave one behind (is_temporary() recognises it). When nothing but
// the last sync of commit() fails, the new content is in place, but not proof against a power loss.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(std::span<const std::byte> bytes) { file_.write(bytes); }
  void commit();

 private:
  std::filesystem::path path_;
  OutputFile file_;
  bool committed_ = false;
};

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

// Whether the last component may be a symbolic link.
enum class Links { follow, refuse };

// A readable regular file, or BadFile; never waits on a pipe or a device.
Descriptor open_regular_file(const std::filesystem::path& path, Links links = Links::follow);

// Passes the file to `use` piece by piece. A bad sector is a BadFile here, where a mapping would
// end the process.
void read_pieces(const std::filesystem::path& path, Links links,
                 const std::function<void(std::span<const std::byte>)>& use);

// The whole of a regular file; BadFile when it is longer than `max_bytes`.
std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes,
                      Links links = Links::follow);

// Bytes that may still be written on the volume of `path`.
std::uint64_t free_bytes(const std::filesystem::path& path);

// Creates `path` and its missing parents, and syncs what it created. On failure the directories
// that it had created are removed again. A directory that exists already is fine.
void make_directories(const std::filesystem::path& path);

// Renames without syncing: the caller syncs the directory.
void rename_path(const std::filesystem::path& from, const std::filesystem::path& to);
void sync_directory(const std::filesystem::path& path);

// Removes a file, a link (not what it points to) or a directory with its content; a missing path is
// fine.
void remove_tree(const std::filesystem::path& path);

// ".tmp-<16 random hex digits>", and whether a name ends in one.
std::string temporary_suffix();
bool is_temporary(std::string_view name);

// Throws the ResourceError for a failed operation on `path`; `error` is its errno, `needed` the
// bytes that were to be written, 0 when that is not the point.
[[noreturn]] void fail_operation(std::string_view action, const std::filesystem::path& path,
                                 int error, std::uint64_t needed = 0);

}  // namespace sinkwise
