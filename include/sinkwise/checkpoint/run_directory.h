#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sinkwise/checkpoint/safetensors.h"
#include "sinkwise/core/file.h"

namespace sinkwise::checkpoint {

// A run directory holds
//   lock               who owns the directory (an OS lock: free again when its owner dies)
//   step-N/            a checkpoint: safetensors files and manifest.json
//   step-N.tmp-<hex>/  a save or a removal that was interrupted; open() removes it
//   step-N.old-<hex>/  the checkpoint that an interrupted save of the same step was about to
//   replace;
//                      open() puts it back unless its replacement had been completed
// and whatever else the owner writes. A checkpoint is what its manifest says it is: file names,
// sizes, hashes of the files and a hash of the manifest itself. Marker files, clocks and links are
// never trusted; the highest step wins.
//
// After a kill or a power loss at any moment the newest checkpoint whose save() had returned, or a
// later one, loads.

// One file of a checkpoint to be saved.
struct CheckpointFile {
  std::string name;  // a plain base name such as "model.safetensors"
  std::vector<TensorView> tensors;
  Metadata metadata;
};

// What every manifest of this run says about where its checkpoints come from.
struct RunIdentity {
  std::string config_fingerprint;
  std::string commit;
};

struct Checkpoint {
  std::int64_t step = 0;
  std::filesystem::path directory;
  RunIdentity identity;  // of the run that saved it: comparing it is up to the caller
  nlohmann::json state;
  std::map<std::string, SafetensorsFile> files;  // by name, mapped
};

// A step-N that is no intact checkpoint; `reason` names the file.
struct Rejected {
  std::filesystem::path directory;
  std::string reason;
};

struct Discovery {
  std::optional<Checkpoint> checkpoint;
  std::vector<Rejected> rejected;  // those with a higher step
};

// The highest step-N of `run` whose manifest, sizes and hashes are right. Takes no lock, so that a
// run can be looked at while it trains. ResourceError when the directory cannot be listed.
Discovery newest_checkpoint(const std::filesystem::path& run);

// Bytes that a checkpoint of these files takes, but for its state: for a dry run.
std::uint64_t checkpoint_bytes(std::span<const CheckpointFile> files);

struct SaveReport {
  std::filesystem::path directory;
  std::uint64_t bytes = 0;
  std::vector<std::filesystem::path> pruned;
  std::vector<std::string> warnings;  // old checkpoints that could not be removed; the save stands
};

// The directory of one run, owned by this process until the object is destroyed. One save() at a
// time. A child process made by fork() shares the lock for as long as it lives.
class RunDirectory {
 public:
  // Creates the directory when missing, locks it, tidies up after a killed process. LockedError
  // naming the owner when another process has it; ResourceError when it cannot be created or
  // written.
  static RunDirectory open(const std::filesystem::path& path, RunIdentity identity = {});

  const std::filesystem::path& path() const { return path_; }

  // Saves step-N, replacing one that exists, and then removes checkpoints older than the newest
  // `keep` intact ones; the newest two intact ones are never removed. When it returns, the
  // checkpoint survives a power loss; when it throws, the directory is as before. `state` must read
  // back equal from JSON text (no NaN, no infinities, UTF-8): BadArgument. ResourceError when the
  // room would not suffice (asked before anything is written) or a write fails.
  SaveReport save(std::int64_t step, std::span<const CheckpointFile> files,
                  const nlohmann::json& state, std::int64_t keep);

  Discovery newest() const { return newest_checkpoint(path_); }

  // Writes `name` (a plain base name) atomically: indented, non-finite numbers as null.
  void write_json(const std::string& name, const nlohmann::json& value);

 private:
  RunDirectory(std::filesystem::path path, RunIdentity identity, OutputFile lock);

  void tidy_up();
  void prune(std::int64_t saved, std::int64_t keep, SaveReport& report);

  std::filesystem::path path_;
  RunIdentity identity_;
  OutputFile lock_;
};

}  // namespace sinkwise::checkpoint
