#pragma once

#include <map>
#include <string>
#include <vector>

#include "sinkwise/weights/weights.h"
#include "sinkwise/weights/write_folder.h"
#include "unit/core/temporary_directory.h"
#include "unit/pretrained/fixtures.h"

namespace sinkwise::test {

// A model in memory that a test changes before it is written.
struct ModelFolder {
  nlohmann::json config;
  std::map<std::string, at::Tensor> tensors;  // float32, or float8_e4m3fn

  static ModelFolder of_fixture(const std::string& name) {
    const auto folder = pretrained_fixtures() / name;
    ModelFolder model{read_json(folder / "config.json"), {}};
    const auto weights = weights::Weights::open(folder);
    for (const auto& tensor : weights.tensors()) {
      at::Tensor values = at::empty(tensor.shape, at::kFloat);
      weights.to_float32(tensor.name, {values.mutable_data_ptr<float>(), tensor.elements});
      model.tensors[tensor.name] = values;
    }
    return model;
  }

  void write(const std::filesystem::path& folder) const {
    std::vector<checkpoint::TensorView> views;
    std::vector<at::Tensor> held;
    for (const auto& [name, tensor] : tensors) {
      held.push_back(tensor.contiguous());
      const auto* bytes = static_cast<const std::byte*>(held.back().const_data_ptr());
      views.push_back(
          {name,
           tensor.scalar_type() == at::kFloat ? checkpoint::Dtype::F32 : checkpoint::Dtype::F8_E4M3,
           tensor.sizes().vec(),
           {bytes, static_cast<std::size_t>(held.back().nbytes())}});
    }
    weights::write_folder(folder, views, {.others = {{"config.json", config.dump(1)}}});
  }
};

}  // namespace sinkwise::test
