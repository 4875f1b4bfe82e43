#include "run_lock.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

#include "sinkwise/core/bytes.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::checkpoint {
namespace {

std::string describe_self() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return concat("process ", ::getpid(), " on ", host.data());
}

// The winner needs a moment between taking the lock and signing it.
std::string describe_holder(const std::filesystem::path& path) {
  constexpr std::uint64_t kLongest = 4096;
  try {
    for (int attempt = 0; attempt < 20; ++attempt) {
      const std::string holder = read_file(path, kLongest);
      if (!holder.empty()) return printable(holder);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  } catch (const BadFile&) {
    // Somebody else's unreadable file: the lock is held all the same.
  }
  return "a process that has not signed the lock";
}

}  // namespace

OutputFile lock_run(const std::filesystem::path& run) {
  OutputFile file(run / "lock", OutputFile::Mode::append);
  if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) fail_operation("lock a file", file.path(), errno);
    throw LockedError({.what = "another process is using this run directory",
                       .where = printable(run.string()),
                       .expected = {},
                       .found = describe_holder(file.path()),
                       .next = "wait for it to end, or choose another directory"});
  }
  file.truncate(0);
  file.write(bytes_of(describe_self()));
  return file;
}

}  // namespace sinkwise::checkpoint
