#include "sinkwise/weights/write_folder.h"

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>

#include "shard_index.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/file_system.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"

namespace sinkwise::weights {
namespace {

namespace fs = std::filesystem;
using checkpoint::TensorView;
using nlohmann::json;

using Shards = std::vector<std::span<const TensorView>>;

[[noreturn]] void refuse(const char* what, std::string expected, std::string found) {
  throw BadArgument({.what = what,
                     .where = "write_folder",
                     .expected = std::move(expected),
                     .found = std::move(found),
                     .next = {}});
}

void check(std::span<const TensorView> tensors, const FolderOptions& options) {
  if (options.max_shard_bytes == 0) refuse("a shard cannot hold anything", "at least 1 byte", "0");
  std::set<std::string_view> names;
  for (const TensorView& tensor : tensors) {
    if (names.insert(tensor.name).second) continue;
    refuse("cannot write a model", "every name once", "two of '" + printable(tensor.name) + "'");
  }
  std::set<std::string_view> files;
  for (const TextFile& file : options.others) {
    const bool free = files.insert(file.name).second && !file.name.starts_with(options.stem);
    if (free && is_plain_name(file.name)) continue;
    refuse("cannot write a file of a model",
           "plain names, each once, that do not begin with '" + options.stem + "'",
           "'" + printable(file.name) + "'");
  }
}

// Runs of tensors that fit together; one that does not fit at all stands alone.
Shards cut(std::span<const TensorView> tensors, std::uint64_t max_bytes) {
  Shards shards;
  std::size_t begin = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::uint64_t size = tensors[i].data.size();
    if (i > begin && size > max_bytes - std::min(bytes, max_bytes)) {
      shards.push_back(tensors.subspan(begin, i - begin));
      begin = i;
      bytes = 0;
    }
    bytes += size;
  }
  shards.push_back(tensors.subspan(begin));
  return shards;
}

std::string shard_name(const std::string& stem, std::size_t number, std::size_t count) {
  const auto five_digits = [](std::size_t value) {
    const std::string digits = std::to_string(value);
    return std::string(5 - std::min<std::size_t>(5, digits.size()), '0') + digits;
  };
  if (count == 1) return stem + ".safetensors";
  return concat(stem, "-", five_digits(number + 1), "-of-", five_digits(count), ".safetensors");
}

std::string index_text(const std::string& stem, const Shards& shards) {
  json map = json::object();
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    for (const TensorView& tensor : shards[i]) {
      map[tensor.name] = shard_name(stem, i, shards.size());
      total += tensor.data.size();
    }
  }
  return json_text({{"metadata", {{"total_size", total}}}, {"weight_map", map}}, 2) + "\n";
}

void write_content(const fs::path& folder, const Shards& shards, const FolderOptions& options) {
  for (std::size_t i = 0; i < shards.size(); ++i) {
    write_safetensors(folder / shard_name(options.stem, i, shards.size()), shards[i],
                      options.metadata);
  }
  if (shards.size() > 1) {
    write_file_atomically(folder / (options.stem + ".safetensors.index.json"),
                          index_text(options.stem, shards));
  }
  for (const TextFile& file : options.others) write_file_atomically(folder / file.name, file.text);
}

// A folder that is being filled under a temporary name; removed unless it was put in its place.
class StagedFolder {
 public:
  explicit StagedFolder(const fs::path& target)
      : target_(target), path_(fs::path(target).concat(temporary_suffix())) {
    if (file_system().mkdir(path_.c_str(), 0777) != 0) {
      fail_operation("create a directory", path_, errno);
    }
  }
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;
  ~StagedFolder() {
    if (placed_) return;
    try {
      remove_tree(path_);
    } catch (const ResourceError&) {
      // The failure that led here is the one to report.
    }
  }

  const fs::path& path() const { return path_; }

  // An empty directory in the place is replaced; anything else makes the rename fail.
  void place() {
    rename_path(path_, target_);
    placed_ = true;
    const fs::path parent = target_.parent_path();
    sync_directory(parent.empty() ? "." : parent);
  }

 private:
  fs::path target_;
  fs::path path_;
  bool placed_ = false;
};

}  // namespace

void write_folder(const fs::path& folder, std::span<const TensorView> tensors,
                  const FolderOptions& options) {
  check(tensors, options);
  fs::path target = folder.lexically_normal();
  if (!target.has_filename()) target = target.parent_path();  // "model/" is "model"
  std::error_code error;
  if (fs::exists(fs::symlink_status(target, error)) && !fs::is_empty(target, error)) {
    fail_operation("write a model into a folder that is not empty", target, EEXIST);
  }
  StagedFolder staged(target);
  write_content(staged.path(), cut(tensors, options.max_shard_bytes), options);
  staged.place();
}

}  // namespace sinkwise::weights
