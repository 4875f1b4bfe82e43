#pragma once

#include <filesystem>
#include <stdexcept>
#include <stdlib.h>
#include <string>

namespace sinkwise::test {

// An empty directory that is gone at the end of the test; in memory where the machine offers that
// and TMPDIR does not say otherwise, because the sweeps write many thousands of small files.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (parent() / "sinkwise-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  static std::filesystem::path parent() {
    const bool in_memory = ::getenv("TMPDIR") == nullptr && ::access("/dev/shm", W_OK) == 0;
    return in_memory ? "/dev/shm" : std::filesystem::temp_directory_path();
  }

  std::filesystem::path path_;
};

}  // namespace sinkwise::test
