#include "sinkwise/pretrained/export.h"

#include <gtest/gtest.h>

#include "sinkwise/core/error.h"
#include "sinkwise/pretrained/adapter.h"
#include "sinkwise/weights/weights.h"
#include "unit/core/temporary_directory.h"
#include "unit/nn/tensors.h"
#include "unit/pretrained/fixtures.h"

namespace sinkwise::pretrained {
namespace {

using test::largest_difference;

const std::vector<std::string> kFamilies = {"gemma3",      "gpt2",    "gpt_neox",  "gpt_oss",
                                            "granite_swa", "llama",   "mistral",   "qwen2",
                                            "qwen3",       "qwen3_5", "qwen3_next"};

class EveryFamily : public testing::TestWithParam<std::string> {
 protected:
  std::filesystem::path path() const { return test::pretrained_fixtures() / GetParam(); }
  std::filesystem::path out(const char* name) const { return directory_.path() / name; }
  at::Tensor tokens() const {
    return test::random_tokens({2, 9}, Model::open(path()).config().vocabulary, 5);
  }
  at::Tensor logits(const std::filesystem::path& model, const OpenOptions& options = {}) const {
    const torch::NoGradGuard no_grad;
    const Model opened = Model::open(model, options);
    return LoadedModel(opened).forward(tokens());
  }

 private:
  test::TemporaryDirectory directory_;
};

// Float32 and the same order of operations on both sides, but W + B A is added up before or after
// the product with x: a few roundings of logits of size 1.
constexpr double kMerged = 2e-5;

TEST_P(EveryFamily, AnUntouchedModelIsCopiedBitByBit) {
  const Model model = Model::open(path());
  export_model(LoadedModel(model), out("copy"), ExportType::stored);
  const auto before = weights::Weights::open(path()), after = weights::Weights::open(out("copy"));
  ASSERT_EQ(before.tensors().size(), after.tensors().size());
  for (const auto& tensor : before.tensors()) {
    const auto a = before.bytes(tensor.name), b = after.bytes(tensor.name);
    EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end())) << tensor.name;
  }
  EXPECT_TRUE(test::same_bits(logits(path()), logits(out("copy"))));
}

TEST_P(EveryFamily, EveryParameterComesBackFromTheExportedFolder) {
  const Model model = Model::open(path());
  LoadedModel loaded(model);
  torch::NoGradGuard no_grad;
  std::uint64_t seed = 1;
  for (auto& parameter : loaded.parameters()) {
    // Around what is there, or else logits of noise say nothing.
    parameter.add_(test::random_tensor(parameter.sizes(), seed++) * 0.02);
  }
  const at::Tensor expected = loaded.forward(tokens());
  EXPECT_GT(largest_difference(expected, logits(path())), 1e-3);
  export_model(loaded, out("changed"), ExportType::float32);
  // Norms that a file keeps around 0 are rounded on the way there and back.
  EXPECT_LT(largest_difference(logits(out("changed")), expected), kMerged);
}

TEST_P(EveryFamily, AnAdapterGivesTheSameAsItsMergedWeights) {
  const Model model = Model::open(path());
  LoadedModel loaded(model);
  AdapterConfig config;
  config.rank = 3;
  add_adapter(loaded, config, 1);
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(test::same_bits(loaded.forward(tokens()), logits(path())));
  std::uint64_t seed = 1;
  for (const auto& item : loaded.named_parameters()) {
    if (!item.key().ends_with("lora_B")) continue;
    at::Tensor b = item.value();
    b.copy_(test::random_tensor(b.sizes(), seed++) * 0.1);
  }
  const at::Tensor expected = loaded.forward(tokens());
  EXPECT_GT(largest_difference(expected, logits(path())), 1e-3);
  write_adapter(loaded, config, out("adapter"), "base");
  export_model(loaded, out("merged"), ExportType::float32);
  EXPECT_LT(largest_difference(logits(out("merged")), expected), kMerged);
  EXPECT_LT(largest_difference(logits(path(), {.adapter = out("adapter")}), expected), kMerged);
  export_model(Model::open(path(), {.adapter = out("adapter")}), out("merged_later"),
               ExportType::float32);
  EXPECT_LT(largest_difference(logits(out("merged_later")), expected), kMerged);
}

TEST_P(EveryFamily, AConvertedModelComputesWhatItDid) {
  const Model plain = Model::open(path());
  if (plain.config().layers.back().attention()->mechanism != nn::Mechanism::vanilla) {
    EXPECT_THROW(Model::open(path(), {.conversion = Conversion::to(nn::Mechanism::sink)}),
                 Unsupported);
    return;
  }
  for (const auto mechanism :
       {nn::Mechanism::sink, nn::Mechanism::gated_headwise, nn::Mechanism::gated_elementwise}) {
    const OpenOptions options{.conversion = Conversion::to(mechanism)};
    const at::Tensor converted = logits(path(), options);
    EXPECT_LT(largest_difference(converted, logits(path())), kMerged);
    const Model model = Model::open(path(), options);
    export_model(LoadedModel(model), out(nn::name(mechanism).c_str()), ExportType::stored);
    const Model again = Model::open(out(nn::name(mechanism).c_str()));
    EXPECT_EQ(again.config().layers[0].attention()->mechanism, mechanism);
    const at::Tensor found = logits(again.path());
    if (again.config().model_type == "qwen3_5_text") {  // norms around 0: rounded on the way there
      EXPECT_LT(largest_difference(found, converted), kMerged);
    } else {
      EXPECT_TRUE(test::same_bits(found, converted));
    }
  }
}

TEST_P(EveryFamily, PackedDocumentsDoNotSeeEachOther) {
  const torch::NoGradGuard no_grad;
  const Model model = Model::open(path());
  const LoadedModel loaded(model);
  const at::Tensor all = tokens();
  HiddenOptions options;
  options.document_start = at::tensor({0, 0, 0, 0, 4, 4, 4, 4, 4}, at::kLong).repeat({2, 1});
  const at::Tensor packed = loaded.forward(all, options);
  const at::Tensor apart =
      at::cat({loaded.forward(all.narrow(1, 0, 4)), loaded.forward(all.narrow(1, 4, 5))}, 1);
  EXPECT_LT(largest_difference(packed, apart), kMerged);
  EXPECT_GT(largest_difference(packed, loaded.forward(all)), 1e-3);
}

TEST_P(EveryFamily, RecomputationChangesNoGradient) {
  const Model model = Model::open(path());
  std::vector<at::Tensor> gradients[2];
  for (const bool recompute : {false, true}) {
    LoadedModel loaded(model);
    AdapterConfig config;
    config.rank = 2;
    add_adapter(loaded, config, 1);
    {
      const torch::NoGradGuard no_grad;
      std::uint64_t seed = 1;
      for (at::Tensor& parameter : loaded.parameters()) {
        if (parameter.requires_grad()) {
          parameter.copy_(test::random_tensor(parameter.sizes(), seed++) * 0.1);
        }
      }
    }
    std::vector<nn::AttentionRecord> records;
    HiddenOptions options;
    options.observe.gate = true;
    options.records = &records;
    options.recompute = recompute;
    at::Tensor loss = loaded.forward(tokens(), options).square().mean();
    for (const auto& record : records) {
      if (record.gate.defined()) loss = loss + record.gate.square().sum();
    }
    loss.backward();
    for (const at::Tensor& parameter : loaded.parameters()) {
      if (parameter.requires_grad()) gradients[recompute].push_back(parameter.grad().clone());
    }
  }
  ASSERT_FALSE(gradients[0].empty());
  EXPECT_TRUE(test::same_bits(gradients[0], gradients[1]));
}

INSTANTIATE_TEST_SUITE_P(Export, EveryFamily, testing::ValuesIn(kFamilies),
                         [](const auto& family) { return family.param; });

TEST(Adapter, BelongsToOneModel) {
  const auto fixtures = test::pretrained_fixtures();
  test::TemporaryDirectory directory;
  const Model model = Model::open(fixtures / "gpt2");
  LoadedModel loaded(model);
  const AdapterConfig config;
  add_adapter(loaded, config, 1);
  write_adapter(loaded, config, directory.path() / "adapter", "gpt2");
  EXPECT_THROW(Model::open(fixtures / "llama", {.adapter = directory.path() / "adapter"}), BadFile);
  EXPECT_THROW(Model::open(fixtures / "gpt2", {.adapter = directory.path() / "none"}), BadFile);
  AdapterConfig wrong;
  wrong.targets = {"q_pro"};
  LoadedModel other(model);
  EXPECT_THROW(add_adapter(other, wrong, 1), BadConfig);
}

}  // namespace
}  // namespace sinkwise::pretrained
