#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "sinkwise/checkpoint/run_directory.h"

namespace sinkwise::checkpoint {

inline constexpr const char* kManifestName = "manifest.json";
inline constexpr std::size_t kMaxManifestBytes = std::size_t{64} << 20;

// manifest.json is {"hash":"<hash_hex of the bytes of BODY>","body":BODY} and a newline, where BODY
// is
//   {"schema": 1, "step": N, "config_fingerprint": "...", "commit": "...", "state": ...,
//    "files": [{"name": "model.safetensors", "bytes": n, "hash": "..."}]}
// The hash covers the text, not the values, so that no flipped bit goes unseen.
struct Manifest {
  struct File {
    std::string name;
    WrittenFile written;
  };

  std::int64_t step = 0;
  RunIdentity identity;
  std::vector<File> files;
  nlohmann::json state;
};

std::string manifest_text(const Manifest& manifest);

// BadFile when anything is not as above.
Manifest parse_manifest(std::string_view text, const std::string& where);

// BadArgument when `state` would not read back equal from a manifest.
void check_state(const nlohmann::json& state);

// A file name without directories that is neither hidden, reserved by a run directory, nor too
// long.
bool is_plain_name(std::string_view name);

}  // namespace sinkwise::checkpoint
