#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sinkwise::checkpoint {

// A checkpoint being written as step-N.tmp-<hex>. Destroyed before commit() it is removed.
class StagedDirectory {
 public:
  StagedDirectory(const std::filesystem::path& run, std::int64_t step);
  StagedDirectory(const StagedDirectory&) = delete;
  StagedDirectory& operator=(const StagedDirectory&) = delete;
  ~StagedDirectory();

  const std::filesystem::path& path() const { return staged_; }

  // Puts the directory in the place of step-N. A directory cannot be renamed over another one, so
  // the one that is there first steps aside as step-N.old-<hex>; put_back() knows what to do when
  // the process dies before both renames are done. Everything inside must be synced. On failure the
  // places are as before.
  void commit();

 private:
  void roll_back(bool moved_aside, bool placed);

  std::filesystem::path run_;
  std::filesystem::path staged_;
  std::filesystem::path target_;
  std::filesystem::path aside_;
  bool committed_ = false;
};

// N of a name step-N.old-<hex>.
std::optional<std::int64_t> step_of_aside(std::string_view name);

// Settles a step-N.old-<hex> that a killed process left: it returns to step-N when that is free,
// and is removed when its replacement is in place.
void put_back(const std::filesystem::path& run, const std::string& name);

// Removes a directory so that no half-removed one ever stands under its own name: it is renamed to
// a temporary first, which the next open of the run directory would remove.
void discard(const std::filesystem::path& run, const std::string& name);

}  // namespace sinkwise::checkpoint
