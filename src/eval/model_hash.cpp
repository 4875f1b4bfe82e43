#include <algorithm>
#include <array>

#include "sinkwise/core/bytes.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/hash.h"
#include "sinkwise/eval/output.h"

namespace sinkwise::eval {
namespace {

namespace fs = std::filesystem;

// Configurations and weights. Tokenizers count by the ids that they give (settings_json()), and
// whatever else lies in a folder, such as the results of an evaluation, does not count.
bool belongs(const fs::path& file) {
  constexpr std::array kEndings = {".bin", ".gguf", ".safetensors"};
  const std::string name = file.filename().string();
  return name == "config.json" || name == "adapter_config.json" ||
         name.ends_with(".safetensors.index.json") ||
         std::ranges::find(kEndings, file.extension()) != kEndings.end();
}

// Weights that are named by themselves may have their configuration beside them.
std::vector<fs::path> with_configuration(const fs::path& weights) {
  const fs::path configuration = weights.parent_path() / "config.json";
  if (weights.extension() != ".safetensors" || !fs::exists(configuration)) return {weights};
  return {configuration, weights};
}

std::vector<fs::path> files_of(const fs::path& path) {
  if (!fs::is_directory(path)) return with_configuration(path);
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
