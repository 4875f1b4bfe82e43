#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "sinkwise/checkpoint/safetensors.h"

namespace sinkwise::weights {

// Something small that belongs to a model, such as config.json.
struct TextFile {
  std::string name;  // a plain base name
  std::string text;
};

struct FolderOptions {
  std::string stem = "model";  // of the files with tensors
  // Tensor bytes in a shard, its header not counted; a larger tensor has a shard of its own.
  std::uint64_t max_shard_bytes = 5'000'000'000;
  checkpoint::Metadata metadata = {{"format", "pt"}};  // of every shard; some readers ask for it
  std::vector<TextFile> others;
};

// Writes a model in the layout of the Hugging Face hub: <stem>.safetensors, or when it does not fit
// into one shard <stem>-00001-of-0000N.safetensors and so on with <stem>.safetensors.index.json.
// Shards are filled in the order given. `folder` must not exist, unless empty; it appears complete
// and synced, or not at all. BadArgument when a tensor is malformed (checkpoint/safetensors.h), a
// name repeated or unfit, or max_shard_bytes 0; ResourceError when the disk refuses.
void write_folder(const std::filesystem::path& folder,
                  std::span<const checkpoint::TensorView> tensors,
                  const FolderOptions& options = {});

}  // namespace sinkwise::weights
