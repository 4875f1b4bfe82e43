#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace sinkwise::weights {

// Which tensor is in which shard, from model.safetensors.index.json.
using ShardIndex = std::map<std::string, std::string>;

// `text` is the content of `path`. BadFile when it is malformed, or a shard is anything but the
// plain name of a file beside it.
ShardIndex read_shard_index(std::string_view text, const std::filesystem::path& path);

// No separator, no NUL, neither empty nor a dot name.
bool is_plain_name(std::string_view name);

// Where a file of a model folder is: links are followed within the folder, and from a snapshot of
// the Hugging Face cache into its blobs, but nowhere else. BadFile when it is missing or leads
// elsewhere.
std::filesystem::path file_in_folder(const std::filesystem::path& folder, const std::string& name);

}  // namespace sinkwise::weights
