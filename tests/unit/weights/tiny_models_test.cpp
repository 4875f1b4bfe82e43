// Small checkpoints in the layouts of the Hugging Face hub, from $SINKWISE_DATA/models/tiny.
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "unit/weights/fixtures.h"

namespace sinkwise::weights {
namespace {

namespace fs = std::filesystem;

// Tensors of each model, as its description lists them.
const std::map<std::string, std::size_t> kTensors = {
    {"gemma3", 41}, {"gpt2", 28},  {"gpt_neox", 28}, {"gpt_oss", 54},
    {"llama", 29},  {"qwen3", 36}, {"qwen3_5", 39},  {"qwen3_next", 79}};

class TinyModels : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const char* data = std::getenv("SINKWISE_DATA");
    if (data == nullptr) GTEST_SKIP() << "SINKWISE_DATA is not set";
    folder_ = fs::path(data) / "models/tiny" / GetParam();
    if (!fs::exists(folder_)) GTEST_SKIP() << folder_ << " does not exist";
  }

  fs::path folder_;
};

TEST_P(TinyModels, EveryTensorReadsAsFiniteNumbersOfTheWrittenSpread) {
  const Weights model = Weights::open(folder_);
  EXPECT_EQ(model.tensors().size(), kTensors.at(GetParam()));
  for (const Tensor& tensor : model.tensors()) {
    SCOPED_TRACE(tensor.name);
    const std::vector<float> values = test::floats(model, tensor.name);
    double squares = 0;
    for (const float value : values) squares += double{value} * value;
    const double spread = std::sqrt(squares / static_cast<double>(values.size()));
    EXPECT_TRUE(std::isfinite(spread));
    // Matrices were drawn with standard deviation 0.2: of n numbers it is off by 0.2 / sqrt(2 n).
    if (tensor.shape.size() == 2) {
      EXPECT_NEAR(spread, 0.2, 5 * 0.2 / std::sqrt(2.0 * static_cast<double>(values.size())));
    }
    model.release(tensor.name);
  }
}

INSTANTIATE_TEST_SUITE_P(All, TinyModels, testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const auto& [name, tensors] : kTensors) names.push_back(name);
                           return names;
                         }()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace sinkwise::weights
