#include "sinkwise/checkpoint/run_directory.h"

#include <algorithm>
#include <set>
#include <utility>

#include "manifest.h"
#include "run_lock.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"
#include "staged_directory.h"
#include "step_directory.h"

namespace sinkwise::checkpoint {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// The newest checkpoints that are proved intact, byte by byte, before an older one is removed.
constexpr std::int64_t kProved = 2;

[[noreturn]] void refuse(const char* argument, std::string expected, std::string found) {
  throw BadArgument({.what = "cannot write to a run directory",
                     .where = argument,
                     .expected = std::move(expected),
                     .found = std::move(found),
                     .next = {}});
}

void check_arguments(std::int64_t step, std::span<const CheckpointFile> files, std::int64_t keep) {
  if (step < 0 || !step_of(step_name(step))) refuse("step", "0 to 10^18 - 1", concat(step));
  if (keep < 1) refuse("keep", "at least 1", concat(keep));
  std::set<std::string> names;
  for (const CheckpointFile& file : files) {
    const bool usable = is_plain_name(file.name) && file.name != kManifestName;
    if (!usable || !names.insert(file.name).second) {
      refuse("files", concat("different plain names other than ", kManifestName),
             "'" + printable(file.name) + "'");
    }
  }
}

void check_room(const fs::path& run, std::uint64_t needed) {
  const std::uint64_t free = free_bytes(run);
  if (free >= needed) return;
  throw ResourceError({.what = "not enough room for a checkpoint",
                       .where = printable(run.string()),
                       .expected = concat(needed, " bytes free"),
                       .found = concat(free, " bytes free"),
                       .next = "free some room or choose another directory"});
}

bool intact(const fs::path& run, std::int64_t step, Verify verify) {
  try {
    verify_checkpoint(run, step, verify);
    return true;
  } catch (const BadFile&) {
    return false;
  }
}

// Every step behind the newest `keep` intact ones, but for the one just saved.
std::vector<std::int64_t> superfluous_steps(const fs::path& run, std::int64_t saved,
                                            std::int64_t keep) {
  std::vector<std::int64_t> superfluous;
  std::int64_t found = 0;
  for (const std::int64_t step : list_steps(run)) {
    const Verify verify = found < kProved ? Verify::hashes : Verify::sizes;
    if (step == saved) {
      ++found;
    } else if (found >= keep) {
      superfluous.push_back(step);
    } else if (intact(run, step, verify)) {
      ++found;
    }
  }
  return superfluous;
}

void settle_asides(const fs::path& run) {
  for (const std::string& name : list_names(run)) {
    if (step_of_aside(name)) put_back(run, name);
  }
}

// For the report of a damaged checkpoint: one line.
std::string reason_of(const BadFile& error) {
  const ErrorText& text = error.text();
  return concat(text.what, " (", text.where, "): expected ", text.expected, ", found ", text.found);
}

}  // namespace

Discovery newest_checkpoint(const fs::path& run) {
  Discovery discovery;
  for (const std::int64_t step : list_steps(run)) {
    try {
      discovery.checkpoint = load_checkpoint(run, step);
      break;
    } catch (const BadFile& error) {
      discovery.rejected.push_back({run / step_name(step), reason_of(error)});
    }
  }
  return discovery;
}

std::uint64_t checkpoint_bytes(std::span<const CheckpointFile> files) {
  std::uint64_t bytes = 0;
  for (const CheckpointFile& file : files) bytes += safetensors_bytes(file.tensors, file.metadata);
  return bytes;
}

RunDirectory::RunDirectory(fs::path path, RunIdentity identity, OutputFile lock)
    : path_(std::move(path)), identity_(std::move(identity)), lock_(std::move(lock)) {}

RunDirectory RunDirectory::open(const fs::path& path, RunIdentity identity) {
  make_directories(path);
  RunDirectory run(path, std::move(identity), lock_run(path));
  run.tidy_up();
  return run;
}

void RunDirectory::tidy_up() {
  for (const std::string& name : list_names(path_)) {
    if (is_temporary(name)) remove_tree(path_ / name);
  }
  settle_asides(path_);
}

SaveReport RunDirectory::save(std::int64_t step, std::span<const CheckpointFile> files,
                              const json& state, std::int64_t keep) {
  check_arguments(step, files, keep);
  check_state(state);
  Manifest manifest{.step = step, .identity = identity_, .files = {}, .state = state};
  constexpr std::uint64_t kSlack = std::uint64_t{64} << 10;  // directory entries, partial blocks
  check_room(path_, checkpoint_bytes(files) + manifest_text(manifest).size() + kSlack);

  SaveReport report{.directory = path_ / step_name(step), .bytes = 0, .pruned = {}, .warnings = {}};
  StagedDirectory staged(path_, step);
  for (const CheckpointFile& file : files) {
    const WrittenFile written =
        write_safetensors(staged.path() / file.name, file.tensors, file.metadata);
    manifest.files.push_back({file.name, written});
    report.bytes += written.bytes;
  }
  const std::string text = manifest_text(manifest);
  write_file_atomically(staged.path() / kManifestName, text);
  report.bytes += text.size();
  staged.commit();
  prune(step, keep, report);
  return report;
}

void RunDirectory::prune(std::int64_t saved, std::int64_t keep, SaveReport& report) {
  // The checkpoint is committed: whatever fails from here on must not look like a failed save.
  const auto attempt = [&report](const auto& action) {
    try {
      action();
    } catch (const ResourceError& error) {
      report.warnings.emplace_back(error.what());
    }
  };
  attempt([&] { settle_asides(path_); });
  attempt([&] {
    for (const std::int64_t step : superfluous_steps(path_, saved, std::max(keep, kProved))) {
      attempt([&] {
        discard(path_, step_name(step));
        report.pruned.push_back(path_ / step_name(step));
      });
    }
  });
}

void RunDirectory::write_json(const std::string& name, const json& value) {
  if (!is_plain_name(name)) refuse("name", "a plain file name", "'" + printable(name) + "'");
  write_file_atomically(path_ / name, json_text(value, 2) + "\n");
}

}  // namespace sinkwise::checkpoint
