#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace sinkwise::sweep {

// A child process with its output in a file. Killed and reaped when destroyed while it runs.
class Process {
 public:
  // Throws ResourceError when it cannot be started.
  Process(const std::vector<std::string>& arguments, const std::filesystem::path& output);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  Process(Process&& other) noexcept : id_(other.id_) { other.id_ = -1; }
  Process& operator=(Process&&) = delete;
  ~Process();

  // Its exit code once it has ended (128 + n after signal n), without waiting.
  std::optional<int> poll();

  // Asks it to save and leave (SIGTERM).
  void ask_to_stop() const;

 private:
  pid_t id_ = -1;
};

}  // namespace sinkwise::sweep
