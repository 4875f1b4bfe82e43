#include "step_directory.h"

#include <algorithm>
#include <functional>
#include <system_error>

#include "manifest.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/hash.h"
#include "sinkwise/core/text.h"

namespace sinkwise::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-";

[[noreturn]] void refuse(const fs::path& path, std::string expected, std::string found) {
  throw BadFile({.what = "a checkpoint is damaged",
                 .where = printable(path.string()),
                 .expected = std::move(expected),
                 .found = std::move(found),
                 .next = "resume from another checkpoint"});
}

Manifest read_manifest(const fs::path& directory, std::int64_t step) {
  std::error_code error;
  if (!fs::is_directory(fs::symlink_status(directory, error))) {
    refuse(directory, "a directory", "something else");
  }
  const fs::path path = directory / kManifestName;
  const std::string text = read_file(path, kMaxManifestBytes, Links::refuse);
  Manifest manifest = parse_manifest(text, printable(path.string()));
  if (manifest.step != step) {
    refuse(path, concat("step ", step), concat("step ", manifest.step));
  }
  return manifest;
}

void verify_size(const fs::path& path, std::uint64_t expected) {
  open_regular_file(path, Links::refuse);
  std::error_code error;
  const std::uint64_t size = fs::file_size(path, error);
  if (error) refuse(path, concat(expected, " bytes"), error.message());
  if (size != expected) refuse(path, concat(expected, " bytes"), concat(size, " bytes"));
}

// Reads instead of mapping: an unreadable sector must lead to the checkpoint before, not to SIGBUS.
void verify_hash(const fs::path& path, const std::string& expected) {
  Hasher hasher;
  read_pieces(path, Links::refuse, [&](std::span<const std::byte> piece) { hasher.update(piece); });
  if (hasher.hex() != expected) refuse(path, "hash " + expected, "hash " + hasher.hex());
}

Manifest verified_manifest(const fs::path& run, std::int64_t step, Verify verify) {
  const fs::path directory = run / step_name(step);
  Manifest manifest = read_manifest(directory, step);
  for (const auto& [name, written] : manifest.files) {
    verify_size(directory / name, written.bytes);
    if (verify == Verify::hashes) verify_hash(directory / name, written.hash);
  }
  return manifest;
}

}  // namespace

std::string step_name(std::int64_t step) { return concat(kPrefix, step); }

std::optional<std::int64_t> step_of(std::string_view name) {
  constexpr std::size_t kMostDigits = 18;
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const std::string_view digits = name.substr(kPrefix.size());
  if (digits.empty() || digits.size() > kMostDigits) return std::nullopt;
  std::int64_t step = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    step = 10 * step + (digit - '0');
  }
  return step_name(step) == name ? std::optional(step) : std::nullopt;
}

std::vector<std::string> list_names(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  if (error) fail_operation("list a directory", directory, error.value());
  return names;
}

std::vector<std::int64_t> list_steps(const fs::path& run) {
  std::vector<std::int64_t> steps;
  for (const std::string& name : list_names(run)) {
    if (const auto step = step_of(name)) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end(), std::greater<>());
  return steps;
}

void verify_checkpoint(const fs::path& run, std::int64_t step, Verify verify) {
  verified_manifest(run, step, verify);
}

Checkpoint load_checkpoint(const fs::path& run, std::int64_t step) {
  Manifest manifest = verified_manifest(run, step, Verify::hashes);
  Checkpoint checkpoint{.step = step,
                        .directory = run / step_name(step),
                        .identity = std::move(manifest.identity),
                        .state = std::move(manifest.state),
                        .files = {}};
  for (const auto& [name, written] : manifest.files) {
    checkpoint.files.emplace(name,
                             SafetensorsFile::open(checkpoint.directory / name, Links::refuse));
  }
  return checkpoint;
}

}  // namespace sinkwise::checkpoint
