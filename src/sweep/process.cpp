#include "process.h"

#include <cstring>
#include <fcntl.h>
#include <map>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "sinkwise/core/error.h"

extern char** environ;

namespace sinkwise::sweep {
namespace {

// One thread a process: the pool fills the cores with processes instead. Returned strings must
// outlive the pointers made from them.
std::vector<std::string> single_thread_environment() {
  std::vector<std::string> variables = {"OMP_NUM_THREADS=1", "MKL_NUM_THREADS=1"};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string variable = *entry;
    if (variable.rfind("OMP_NUM_THREADS=", 0) != 0 && variable.rfind("MKL_NUM_THREADS=", 0) != 0) {
      variables.push_back(variable);
    }
  }
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

Process::Process(const std::vector<std::string>& arguments, const std::filesystem::path& output) {
  std::vector<std::string> words = arguments, variables = single_thread_environment();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  // A group of its own, so that Ctrl-C reaches the pool alone, which then asks every job to stop.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  const int error = posix_spawn(&id_, words.front().c_str(), &actions, &attributes,
                                pointers(words).data(), pointers(variables).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error == 0) return;
  id_ = -1;
  throw ResourceError({"a job could not be started", words.front(), "a program that runs",
                       std::strerror(error), ""});
}

Process::~Process() {
  if (id_ < 0) return;
  kill(id_, SIGKILL);
  waitpid(id_, nullptr, 0);
}

std::optional<int> Process::poll() {
  int status = 0;
  if (id_ < 0 || waitpid(id_, &status, WNOHANG) != id_) return std::nullopt;
  id_ = -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void Process::ask_to_stop() const {
  if (id_ >= 0) kill(id_, SIGTERM);
}

}  // namespace sinkwise::sweep
