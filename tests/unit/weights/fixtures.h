#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sinkwise/core/bytes.h"
#include "sinkwise/core/file.h"
#include "sinkwise/weights/weights.h"

namespace sinkwise::test {

// tests/fixtures/weights, written by tools/make_fixtures/weights.py.
inline std::filesystem::path fixtures() {
  const char* source = std::getenv("SINKWISE_SOURCE");
  if (source == nullptr) throw std::runtime_error("set SINKWISE_SOURCE to the source tree");
  return std::filesystem::path(source) / "tests/fixtures/weights";
}

inline std::string read(const std::filesystem::path& path) { return read_file(path, 1 << 24); }

// A new file every time: truncating one in place would pull it from under a mapping.
inline void put(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::vector<float> floats(const weights::Weights& model, std::string_view name) {
  std::vector<float> values(model.at(name).elements);
  model.to_float32(name, values);
  return values;
}

}  // namespace sinkwise::test
