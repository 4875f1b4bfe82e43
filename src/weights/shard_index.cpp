#include "shard_index.h"

#include <nlohmann/json.hpp>
#include <system_error>

#include "sinkwise/core/error.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"

namespace sinkwise::weights {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kMaxIndexBytes = std::size_t{64} << 20;

[[noreturn]] void refuse(const fs::path& path, const std::string& field, std::string expected,
                         std::string found) {
  throw BadFile({.what = concat("not a valid index of shards: ", field),
                 .where = printable(path.string()),
                 .expected = std::move(expected),
                 .found = std::move(found),
                 .next = "fetch or save the model again"});
}

}  // namespace

bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

ShardIndex read_shard_index(std::string_view text, const fs::path& path) {
  const json content = parse_json(text, path.string(), JsonLimits{.max_bytes = kMaxIndexBytes});
  const bool has_map = content.is_object() && content.contains("weight_map");
  if (!has_map || !content["weight_map"].is_object()) {
    refuse(path, "weight_map", "an object", has_map ? "something else" : "nothing");
  }
  ShardIndex index;
  for (const auto& [tensor, shard] : content["weight_map"].items()) {
    const std::string field = concat("shard of '", printable(tensor), "'");
    if (!shard.is_string()) refuse(path, field, "the name of a file", "something else");
    const auto& name = shard.get_ref<const std::string&>();
    if (!is_plain_name(name)) {
      refuse(path, field, "the plain name of a file in the same folder",
             concat("'", printable(name), "'"));
    }
    index[tensor] = name;
  }
  return index;
}

fs::path file_in_folder(const fs::path& folder, const std::string& name) {
  std::error_code error;
  const fs::path path = folder / name;
  if (!fs::is_symlink(fs::symlink_status(path, error))) return path;
  const fs::path home = fs::canonical(folder, error);
  const fs::path target = error ? fs::path() : fs::canonical(path, error);
  if (error) refuse(path, "link", "a link to a file", error.message());
  // models--<name>/snapshots/<revision>/<file> leads to models--<name>/blobs/<hash>.
  const bool cached = home.parent_path().filename() == "snapshots" &&
                      target.parent_path() == home.parent_path().parent_path() / "blobs";
  if (target.parent_path() != home && !cached) {
    refuse(path, "link", "a file of the folder itself", "a link that leads out of it");
  }
  return target;
}

}  // namespace sinkwise::weights
