#include "staged_directory.h"

#include <cerrno>
#include <system_error>

#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/file_system.h"
#include "step_directory.h"

namespace sinkwise::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kAside = ".old-";

std::string aside_suffix() {
  // The random digits of a temporary behind another marker.
  const std::string suffix = temporary_suffix();
  return std::string(kAside) + suffix.substr(suffix.find('-') + 1);
}

bool occupied(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

}  // namespace

StagedDirectory::StagedDirectory(const fs::path& run, std::int64_t step)
    : run_(run),
      staged_(run / (step_name(step) + temporary_suffix())),
      target_(run / step_name(step)),
      aside_(run / (step_name(step) + aside_suffix())) {
  if (file_system().mkdir(staged_.c_str(), 0777) != 0) {
    fail_operation("create a directory", staged_, errno);
  }
}

StagedDirectory::~StagedDirectory() {
  if (committed_) return;
  try {
    remove_tree(staged_);
  } catch (const ResourceError&) {
    // The failure that led here is the one to report; the next open() removes what is left.
  }
}

void StagedDirectory::commit() {
  bool moved_aside = false, placed = false;
  try {
    if (occupied(target_)) {
      rename_path(target_, aside_);
      moved_aside = true;
      sync_directory(run_);
    }
    rename_path(staged_, target_);
    placed = true;
    sync_directory(run_);
  } catch (const ResourceError&) {
    roll_back(moved_aside, placed);
    throw;
  }
  committed_ = true;
}

void StagedDirectory::roll_back(bool moved_aside, bool placed) {
  // Failures are ignored: open() settles whatever remains.
  if (placed) file_system().rename(target_.c_str(), staged_.c_str());
  if (moved_aside) file_system().rename(aside_.c_str(), target_.c_str());
}

std::optional<std::int64_t> step_of_aside(std::string_view name) {
  const std::size_t at = name.find(kAside);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string as_temporary = ".tmp-" + std::string(name.substr(at + kAside.size()));
  if (as_temporary.size() != temporary_suffix().size() || !is_temporary(as_temporary)) {
    return std::nullopt;
  }
  return step_of(name.substr(0, at));
}

void put_back(const fs::path& run, const std::string& name) {
  const fs::path target = run / step_name(step_of_aside(name).value());
  if (occupied(target)) {
    discard(run, name);
  } else {
    rename_path(run / name, target);
    sync_directory(run);
  }
}

void discard(const fs::path& run, const std::string& name) {
  const fs::path temporary = run / (name.substr(0, name.find('.')) + temporary_suffix());
  rename_path(run / name, temporary);
  sync_directory(run);
  remove_tree(temporary);
}

}  // namespace sinkwise::checkpoint
