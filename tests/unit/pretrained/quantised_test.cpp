// Folders of Hugging Face whose matrices are quantised.
#include <gtest/gtest.h>

#include "sinkwise/core/error.h"
#include "sinkwise/pretrained/export.h"
#include "unit/nn/tensors.h"
#include "unit/pretrained/model_folder.h"

namespace sinkwise::pretrained {
namespace {

using nlohmann::json;
using test::ModelFolder;

constexpr std::int64_t kRows = 16, kColumns = 12;  // of a block; some matrices end within one

// Factors of blocks, one a number.
at::Tensor spread(const at::Tensor& factors, at::IntArrayRef shape) {
  return factors.repeat_interleave(kRows, 0)
      .narrow(0, 0, shape[0])
      .repeat_interleave(kColumns, 1)
      .narrow(1, 0, shape[1]);
}

// A model in 8 bits, and the same with the numbers that these stand for.
struct Pair {
  ModelFolder quantised = ModelFolder::of_fixture("qwen3"), plain = quantised;

  Pair() {
    for (const auto& [name, tensor] : plain.tensors) {
      if (tensor.dim() != 2 || !name.starts_with("model.layers.")) continue;
      const auto blocks = [](std::int64_t size, std::int64_t block) {
        return (size + block - 1) / block;
      };
      const at::Tensor factors =
          test::random_tensor({blocks(tensor.size(0), kRows), blocks(tensor.size(1), kColumns)}, 3)
                  .abs() /
              100 +
          1e-3;
      const at::Tensor all = spread(factors, tensor.sizes());
      const at::Tensor bits = (tensor / all).clamp(-448, 448).to(at::kFloat8_e4m3fn);
      quantised.tensors[name] = bits;
      quantised.tensors[name + "_scale_inv"] = factors;
    }
    for (auto& [name, tensor] : plain.tensors) {
      if (quantised.tensors.contains(name + "_scale_inv")) {
        tensor = quantised.tensors.at(name).to(at::kFloat) *
                 spread(quantised.tensors.at(name + "_scale_inv"), tensor.sizes());
      }
    }
    quantised.config["quantization_config"] = {{"quant_method", "fp8"},
                                               {"activation_scheme", "dynamic"},
                                               {"weight_block_size", {kRows, kColumns}}};
  }
};

class Quantised : public testing::Test {
 protected:
  std::filesystem::path written(const ModelFolder& model) {
    const auto folder = directory_.path() / std::to_string(count_++);
    model.write(folder);
    return folder;
  }

  at::Tensor logits(const std::filesystem::path& folder) {
    const torch::NoGradGuard no_grad;
    const Model model = Model::open(folder);
    return LoadedModel(model).forward(test::random_tokens({2, 9}, model.config().vocabulary, 5));
  }

  void expect_refused(const ModelFolder& model, const std::string& named) {
    try {
      Model::open(written(model));
      ADD_FAILURE() << named << " was taken";
    } catch (const Unsupported& error) {
      EXPECT_NE(std::string(error.what()).find(named), std::string::npos) << error.what();
    }
  }

  const Pair pair_;
  sinkwise::test::TemporaryDirectory directory_;

 private:
  int count_ = 0;
};

TEST_F(Quantised, EightBitsAreReadTimesTheFactorsOfTheirBlocks) {
  EXPECT_TRUE(test::same_bits(logits(written(pair_.quantised)), logits(written(pair_.plain))));
}

TEST_F(Quantised, ItIsExportedAsPlainNumbers) {
  const auto folder = written(pair_.quantised), out = directory_.path() / "out";
  export_model(Model::open(folder), out, ExportType::stored);
  const json config = test::read_json(out / "config.json");
  EXPECT_FALSE(config.contains("quantization_config"));
  EXPECT_EQ(config.at("dtype"), "float32");
  EXPECT_TRUE(test::same_bits(logits(out), logits(folder)));
}

TEST_F(Quantised, FactorsThatDoNotFitAreRefused) {
  ModelFolder model = pair_.quantised;
  const std::string name = "model.layers.0.self_attn.q_proj.weight_scale_inv";
  model.tensors.at(name) = at::ones({1, 1});
  const Model opened = Model::open(written(model));
  EXPECT_THROW(opened.load_block(0), BadFile);
}

TEST_F(Quantised, OtherWaysAreRefused) {
  const auto with = [&](const json& quantisation) {
    ModelFolder model = pair_.quantised;
    model.config["quantization_config"] = quantisation;
    return model;
  };
  for (const char* method : {"bitsandbytes", "gptq", "awq", "compressed-tensors", "mxfp4"}) {
    expect_refused(with({{"quant_method", method}}), method);
  }
  expect_refused(with({{"quant_method", "fp8"}}), "weight_block_size");
  expect_refused(with(nullptr), "weight_scale_inv");  // nothing says what the factors are
  ModelFolder model = pair_.plain;
  model.tensors["model.layers.0.self_attn.q_proj.SCB"] = at::ones({24});
  expect_refused(model, "q_proj.SCB");
}

}  // namespace
}  // namespace sinkwise::pretrained
