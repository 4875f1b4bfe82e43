#include <algorithm>
#include <array>

#include "sinkwise/core/bytes.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/hash.h"
#include "sinkwise/eval/output.h"

namespace sinkwise::eval {
namespace {

namespace fs = std::filesystem;

// Endings of the files that configurations, tokenizers and weights are read from.
bool belongs(const fs::path& file) {
  constexpr std::array kEndings = {".bin", ".gguf", ".json", ".safetensors"};
  return file.filename() == "merges.txt" ||
         std::ranges::find(kEndings, file.extension()) != kEndings.end();
}

std::vector<fs::path> files_of(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path)) {
    if (entry.is_regular_file() && belongs(entry.path())) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::string hash_model(const fs::path& path) {
  Hasher hasher;
  for (const fs::path& file : files_of(path)) {
    hasher.update(bytes_of(file.filename().string() + "\n"));
    read_pieces(file, Links::follow,
                [&](std::span<const std::byte> piece) { hasher.update(piece); });
  }
  return hasher.hex();
}

}  // namespace sinkwise::eval
