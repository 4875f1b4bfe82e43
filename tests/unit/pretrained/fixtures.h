#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <torch/torch.h>

namespace sinkwise::test {

// The small random checkpoints of tools/make_fixtures/pretrained.py.
inline std::filesystem::path pretrained_fixtures() {
  return std::filesystem::path(std::getenv("SINKWISE_SOURCE")) / "tests/fixtures/pretrained";
}

// Files that a developer may have and the tree has not; empty when SINKWISE_DATA is not set.
inline std::filesystem::path data_folder() {
  const char* path = std::getenv("SINKWISE_DATA");
  return path == nullptr ? "" : path;
}

inline nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

// Nested lists of numbers, all of one length at each depth, as float64.
inline at::Tensor tensor_of(const nlohmann::json& values) {
  std::vector<std::int64_t> shape;
  std::vector<double> flat;
  for (const auto* at = &values; at->is_array(); at = &at->front()) {
    shape.push_back(static_cast<std::int64_t>(at->size()));
  }
  const std::function<void(const nlohmann::json&)> walk = [&](const nlohmann::json& value) {
    if (value.is_array()) {
      for (const auto& item : value) walk(item);
    } else {
      flat.push_back(value.get<double>());
    }
  };
  walk(values);
  return at::tensor(flat, at::kDouble).view(shape);
}

}  // namespace sinkwise::test
