#include "sinkwise/core/file.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <random>
#include <sys/stat.h>
#include <system_error>
#include <vector>

#include "sinkwise/core/bytes.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file_system.h"
#include "sinkwise/core/text.h"

namespace sinkwise {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMarker = ".tmp-";
constexpr std::size_t kSuffixDigits = 16;

std::string reason_of(int error) { return std::generic_category().message(error); }

fs::path parent_of(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

const char* advice_for(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free some room or choose another directory";
    case EACCES:
    case EPERM:
      return "check owner and permissions (`ls -ld`), or choose another directory";
    case EROFS:
      return "the volume is read-only: choose another directory";
    case ENAMETOOLONG:
      return "choose a shorter path";
    case ENOENT:
    case ENOTDIR:
      return "check that every directory of the path exists";
    case EEXIST:
    case ENOTEMPTY:
      return "choose another path, or remove what is there";
    case EFBIG:
      return "raise the file size limit (`ulimit -f`) or choose another file system";
    default:
      return "check the disk (`dmesg`) and try again";
  }
}

[[noreturn]] void fail_reading(const fs::path& path, const std::string& found) {
  throw BadFile({.what = "cannot read a file",
                 .where = path.empty() ? "(an empty path)" : printable(path.string()),
                 .expected = "a readable regular file",
                 .found = found,
                 .next = "check the path and its permissions"});
}

std::string kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

int flags_of(OutputFile::Mode mode) {
  const int common = O_WRONLY | O_CREAT;
  return mode == OutputFile::Mode::create ? common | O_EXCL : common | O_APPEND;
}

}  // namespace

void fail_operation(std::string_view action, const fs::path& path, int error,
                    std::uint64_t needed) {
  ErrorText text{.what = concat("cannot ", action, ": ", reason_of(error)),
                 .where = printable(path.string()),
                 .expected = {},
                 .found = {},
                 .next = advice_for(error)};
  if (error == ENOSPC || error == EDQUOT) {
    if (needed > 0) text.expected = concat("room for ", needed, " more bytes");
    const std::int64_t free = file_system().free_bytes(parent_of(path).c_str());
    if (free >= 0) text.found = concat(free, " bytes free");
  }
  throw ResourceError(std::move(text));
}

OutputFile::OutputFile(fs::path path, Mode mode) : path_(std::move(path)) {
  descriptor_ = Descriptor(file_system().open(path_.c_str(), flags_of(mode), 0666));
  if (!descriptor_) fail_operation("create a file", path_, errno);
}

void OutputFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto written = file_system().write(descriptor_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail_operation("write", path_, written < 0 ? errno : EIO, bytes.size());
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void OutputFile::sync() {
  // Never repeated on failure: the kernel may have dropped the pages that it could not write.
  if (file_system().fsync(descriptor_.get()) != 0) fail_operation("sync a file", path_, errno);
}

void OutputFile::sync_name() { sync_directory(parent_of(path_)); }

void OutputFile::truncate(std::uint64_t size) {
  if (file_system().ftruncate(descriptor_.get(), static_cast<std::int64_t>(size)) != 0) {
    fail_operation("truncate a file", path_, errno);
  }
}

std::uint64_t OutputFile::size() const {
  struct stat status {};
  if (::fstat(descriptor_.get(), &status) != 0) fail_operation("examine a file", path_, errno);
  return static_cast<std::uint64_t>(status.st_size);
}

AtomicFile::AtomicFile(fs::path path)
    : path_(std::move(path)),
      file_(fs::path(path_).concat(temporary_suffix()), OutputFile::Mode::create) {}

AtomicFile::~AtomicFile() {
  if (!committed_) file_system().unlink(file_.path().c_str());
}

void AtomicFile::commit() {
  file_.sync();
  file_.close();
  rename_path(file_.path(), path_);
  committed_ = true;
  sync_directory(parent_of(path_));
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes_of(bytes));
  file.commit();
}

Descriptor open_regular_file(const fs::path& path, Links links) {
  // Without O_NONBLOCK, opening a pipe would wait for its other end.
  const int follow = links == Links::refuse ? O_NOFOLLOW : 0;
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | follow));
  if (!descriptor) {
    fail_reading(path, errno == ELOOP && follow != 0 ? "a symbolic link" : reason_of(errno));
  }
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0) fail_reading(path, reason_of(errno));
  if (!S_ISREG(status.st_mode)) fail_reading(path, kind_of(status.st_mode));
  return descriptor;
}

void read_pieces(const fs::path& path, Links links,
                 const std::function<void(std::span<const std::byte>)>& use) {
  const Descriptor descriptor = open_regular_file(path, links);
  std::vector<std::byte> buffer(std::size_t{1} << 18);
  for (;;) {
    const auto count = ::read(descriptor.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_reading(path, reason_of(errno));
    if (count == 0) return;
    use(std::span(buffer).first(static_cast<std::size_t>(count)));
  }
}

std::string read_file(const fs::path& path, std::uint64_t max_bytes, Links links) {
  std::string content;
  read_pieces(path, links, [&](std::span<const std::byte> piece) {
    content += text_of(piece);
    if (content.size() <= max_bytes) return;
    throw BadFile({.what = "a file is too long",
                   .where = printable(path.string()),
                   .expected = concat("at most ", max_bytes, " bytes"),
                   .found = "more than that",
                   .next = "check that this is the right file"});
  });
  return content;
}

std::uint64_t free_bytes(const fs::path& path) {
  const std::int64_t free = file_system().free_bytes(path.c_str());
  if (free < 0) fail_operation("ask for the free room", path, errno);
  return static_cast<std::uint64_t>(free);
}

void make_directories(const fs::path& path) {
  std::vector<fs::path> missing;  // innermost first
  std::error_code error;
  for (fs::path at = path.lexically_normal(); !at.empty() && !fs::exists(at, error);
       at = at.parent_path()) {
    if (at.has_filename()) missing.push_back(at);
  }
  std::vector<fs::path> created;  // outermost first
  for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
    if (file_system().mkdir(at->c_str(), 0777) == 0) {
      created.push_back(*at);
    } else if (errno != EEXIST) {
      const int failure = errno;
      for (; !created.empty(); created.pop_back()) file_system().rmdir(created.back().c_str());
      fail_operation("create a directory", *at, failure);
    }
  }
  for (const fs::path& at : created) sync_directory(parent_of(at));
  if (!fs::is_directory(path, error)) fail_operation("use as a directory", path, ENOTDIR);
}

void rename_path(const fs::path& from, const fs::path& to) {
  if (file_system().rename(from.c_str(), to.c_str()) != 0) fail_operation("rename to", to, errno);
}

void sync_directory(const fs::path& path) {
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor) fail_operation("open a directory", path, errno);
  if (file_system().fsync(descriptor.get()) != 0) fail_operation("sync a directory", path, errno);
}

void remove_tree(const fs::path& path) {
  std::error_code error;
  const bool directory = fs::is_directory(fs::symlink_status(path, error));
  if (!directory) {
    if (file_system().unlink(path.c_str()) != 0 && errno != ENOENT) {
      fail_operation("remove", path, errno);
    }
    return;
  }
  std::vector<fs::path> entries;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    entries.push_back(at->path());
  }
  if (error) fail_operation("list a directory", path, error.value());
  for (const fs::path& entry : entries) remove_tree(entry);
  if (file_system().rmdir(path.c_str()) != 0) fail_operation("remove", path, errno);
}

std::string temporary_suffix() {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::random_device source;
  std::string suffix(kMarker);
  for (std::size_t i = 0; i < kSuffixDigits; ++i) suffix += kHex[source() % kHex.size()];
  return suffix;
}

bool is_temporary(std::string_view name) {
  if (name.size() < kMarker.size() + kSuffixDigits) return false;
  const std::string_view digits = name.substr(name.size() - kSuffixDigits);
  name.remove_suffix(kSuffixDigits);
  return name.ends_with(kMarker) &&
         digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace sinkwise
