#include "standard_library.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/text.h"
#include "sinkwise/data/text_corpus.h"
#include "utf8.h"

namespace sinkwise::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 6> kSkipped = {
    "test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"};

bool is_library(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / "os.py", ignored) &&
         fs::is_regular_file(folder / "abc.py", ignored);
}

// The library among the folders python3.* of `parent`; of several, the last name.
fs::path library_in(const fs::path& parent) {
  std::error_code ignored;
  fs::path found;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const bool named = entry.path().filename().string().starts_with("python3");
    if (named && is_library(entry.path())) found = std::max(found, entry.path());
  }
  return found;
}

fs::path library_of(const fs::path& interpreter) {
  std::error_code missing;
  const fs::path real = fs::canonical(interpreter, missing);
  return missing ? fs::path() : library_in(real.parent_path().parent_path() / "lib");
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

fs::path interpreter_on_path() {
  const std::string folders = variable("PATH");
  std::string_view rest = folders;
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    const fs::path candidate = fs::path(rest.substr(0, colon)) / "python3";
    std::error_code ignored;
    if (fs::exists(candidate, ignored)) return candidate;
    rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
  }
  return {};
}

bool is_skipped(const fs::path& folder) {
  const std::string name = folder.filename().string();
  return std::find(kSkipped.begin(), kSkipped.end(), name) != kSkipped.end();
}

// Relative paths of the sources, top-level modules before packages.
std::vector<std::string> sources(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  const auto skip_denied = fs::directory_options::skip_permission_denied;
  fs::recursive_directory_iterator walk(folder, skip_denied, error);
  while (!error && walk != fs::recursive_directory_iterator()) {
    if (walk->is_directory(error) && is_skipped(walk->path())) walk.disable_recursion_pending();
    if (walk->path().extension() == ".py" && walk->is_regular_file(error)) {
      names.push_back(walk->path().lexically_relative(folder).generic_string());
    }
    walk.increment(error);
  }
  const auto is_inside_package = [](const std::string& name) {
    return name.find('/') != name.npos;
  };
  std::sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return std::pair(is_inside_package(a), a) < std::pair(is_inside_package(b), b);
  });
  return names;
}

[[noreturn]] void fail_without_library(const fs::path& folder) {
  throw BadFile({.what = "no Python standard library to read as a corpus",
                 .where = folder.empty() ? "SINKWISE_PYTHON, PATH, /usr/lib, /usr/local/lib"
                                         : printable(folder.string()),
                 .expected = "a folder python3.* with os.py, abc.py and the other modules",
                 .found = "none",
                 .next = "name text files in data.files, or set SINKWISE_PYTHON"});
}

}  // namespace

fs::path find_standard_library() {
  for (const fs::path& interpreter :
       {fs::path(variable("SINKWISE_PYTHON")), interpreter_on_path()}) {
    const fs::path found = interpreter.empty() ? fs::path() : library_of(interpreter);
    if (!found.empty()) return found;
  }
  const fs::path found = library_in("/usr/lib");
  return found.empty() ? library_in("/usr/local/lib") : found;
}

std::vector<TextFile> read_standard_library(const fs::path& folder, std::int64_t max_bytes) {
  if (!is_library(folder)) fail_without_library(folder);
  std::vector<TextFile> files;
  auto room = static_cast<std::uint64_t>(max_bytes);
  for (const std::string& name : sources(folder)) {
    std::error_code unreadable;
    const std::uintmax_t size = fs::file_size(folder / name, unreadable);
    if (unreadable || size == 0) continue;
    if (size > room) break;
    TextFile file{name, read_file(folder / name, room)};
    if (!is_text(file.bytes)) continue;
    room -= file.bytes.size();
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace sinkwise::data
