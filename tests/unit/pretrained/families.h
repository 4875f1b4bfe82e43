#pragma once

// A family's reader against what the reference library computes for the same weights. Whoever
// includes this says which folders.
#include <gtest/gtest.h>

#include "sinkwise/pretrained/loaded_model.h"
#include "unit/nn/tensors.h"
#include "unit/pretrained/fixtures.h"

namespace sinkwise::pretrained {

namespace fs = std::filesystem;
using nlohmann::json;
using test::tensor_of;

class Families : public testing::TestWithParam<fs::path> {
 protected:
  void SetUp() override {
    folder_ = GetParam();
    if (folder_.is_relative()) GTEST_SKIP() << "SINKWISE_DATA is not set";
    ASSERT_TRUE(fs::exists(folder_)) << folder_;
    reference_ = test::read_json(folder_ / "reference.json");
    tokens_ = tensor_of(reference_["input_ids"]).to(at::kLong);
  }

  fs::path folder_;
  json reference_;
  at::Tensor tokens_;  // [2, T]
  torch::NoGradGuard no_grad_;
};

// Float32 and float64 of the reference library differ by up to 2.2e-5 on these models
// (tools/make_fixtures/pretrained.py prints it), and the reference is rounded to 6 decimals.
inline constexpr double kLogits = 5e-5, kWeights = 2e-5;

TEST_P(Families, LogitsAreThoseOfTheReference) {
  const Model model = Model::open(folder_);
  const at::Tensor logits = LoadedModel(model).forward(tokens_);
  EXPECT_LT(test::largest_difference(logits, tensor_of(reference_["logits"])), kLogits);
}

TEST_P(Families, GatesAndFirstTokenWeightsAreThoseOfTheReference) {
  const Model model = Model::open(folder_);
  nn::Observe observe;
  observe.gate = observe.first_key_weight = true;
  std::vector<nn::AttentionRecord> records;
  LoadedModel(model).forward(tokens_, {.observe = observe, .records = &records});
  for (const json& layer : reference_["layers"]) {
    SCOPED_TRACE(layer["layer"]);
    const nn::AttentionRecord& record = records.at(layer["layer"]);
    if (layer["type"] == "linear_attention") {
      EXPECT_FALSE(record.gate.defined());
      continue;
    }
    const at::Tensor gate = record.gate.mean(at::IntArrayRef{0, 2});
    EXPECT_LT(test::largest_difference(gate, tensor_of(layer["gate_mean"])), kWeights);
    const at::Tensor first = record.first_key_weight.mean(at::IntArrayRef{0, 2});
    EXPECT_LT(test::largest_difference(first, tensor_of(layer["mean_attn_pos0"])), kWeights);
  }
}

TEST_P(Families, LossesInSlicesAreThoseOfTheLogits) {
  const Model model = Model::open(folder_);
  std::vector<nn::RotaryTable> tables = model.rotary_tables(tokens_.size(1));
  at::Tensor x = model.embed(tokens_);
  for (std::size_t layer = 0; layer < model.config().layers.size(); ++layer) {
    const auto at = static_cast<std::int64_t>(layer);
    BlockInput input;
    input.rotary = model.rotary_of(at, tables);
    nn::AttentionRecord record;
    x = model.load_block(at)->forward(x, input, record);
  }
  const auto T = tokens_.size(1);
  const at::Tensor losses =
      model.losses(x.narrow(1, 0, T - 1).flatten(0, 1), tokens_.narrow(1, 1, T - 1).flatten());
  EXPECT_NEAR(losses.mean().item<double>(), reference_["mean_nll"].get<double>(), 2e-5);
}

// One token at a time, each following the cache, must give what the whole text gives.
TEST_P(Families, ACacheContinuesTheText) {
  const Model model = Model::open(folder_);
  const LoadedModel loaded(model);
  const at::Tensor whole = loaded.forward(tokens_);
  std::vector<LayerCache> caches;
  std::vector<at::Tensor> parts{loaded.forward(tokens_.narrow(1, 0, 5), {.caches = &caches})};
  for (std::int64_t t = 5; t < tokens_.size(1); ++t) {
    parts.push_back(loaded.forward(tokens_.narrow(1, t, 1), {.caches = &caches}));
  }
  EXPECT_LT(test::largest_difference(at::cat(parts, 1), whole), kLogits);
}

// The folders of these names in `home`, which is empty when there is none.
inline std::vector<fs::path> folders(const fs::path& home, const std::vector<std::string>& names) {
  std::vector<fs::path> all;
  for (const std::string& name : names) all.push_back(home / name);
  return all;
}

inline std::string folder_name(const testing::TestParamInfo<fs::path>& of) {
  return of.param.filename().string();
}

}  // namespace sinkwise::pretrained
