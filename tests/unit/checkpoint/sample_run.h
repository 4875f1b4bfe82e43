#pragma once

#include <cstring>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <vector>

#include "sinkwise/checkpoint/run_directory.h"
#include "sinkwise/core/bytes.h"

namespace sinkwise::checkpoint {

// A checkpoint of two files whose every byte depends on step and version.
class SampleCheckpoint {
 public:
  explicit SampleCheckpoint(std::int64_t step, int version = 0)
      : step_(step), version_(version), weights_(96, '\0'), moments_(40, '\0') {
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      weights_[i] = static_cast<char>(17 * i + 31 * static_cast<std::size_t>(step) +
                                      101 * static_cast<std::size_t>(version));
    }
    for (std::size_t i = 0; i < moments_.size(); ++i)
      moments_[i] = static_cast<char>(weights_[i] ^ 85);
  }

  std::int64_t step() const { return step_; }
  nlohmann::json state() const {
    return {{"seen", 3 * step_}, {"version", version_}, {"rate", 0.1}};
  }

  std::vector<CheckpointFile> files() const {
    const auto weights = bytes_of(weights_);
    return {
        {"model.safetensors",
         {{"w", Dtype::F32, {4, 4}, weights.first(64)}, {"b", Dtype::F64, {4}, weights.last(32)}},
         {{"kind", "model"}}},
        {"optimizer.safetensors", {{"m", Dtype::F16, {20}, bytes_of(moments_)}}, {}}};
  }

  void expect_equal(const Checkpoint& loaded) const {
    EXPECT_EQ(loaded.step, step_);
    EXPECT_EQ(loaded.state, state());
    ASSERT_EQ(loaded.files.size(), 2u);
    for (const CheckpointFile& file : files()) {
      const SafetensorsFile& found = loaded.files.at(file.name);
      EXPECT_EQ(found.metadata(), file.metadata);
      for (const TensorView& tensor : file.tensors) {
        ASSERT_NE(found.find(tensor.name), nullptr);
        EXPECT_EQ(text_of(found.find(tensor.name)->data), text_of(tensor.data));
        EXPECT_EQ(found.find(tensor.name)->shape, tensor.shape);
      }
    }
  }

 private:
  std::int64_t step_;
  int version_;
  std::string weights_;
  std::string moments_;
};

inline SaveReport save(RunDirectory& run, std::int64_t step, int version = 0,
                       std::int64_t keep = 2) {
  const SampleCheckpoint sample(step, version);
  return run.save(step, sample.files(), sample.state(), keep);
}

inline std::set<std::string> names_in(const std::filesystem::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

}  // namespace sinkwise::checkpoint
