// A trained checkpoint of llama2.c against a forward pass in float64, from $SINKWISE_DATA/models.
#include <gtest/gtest.h>

#include "sinkwise/pretrained/generate.h"
#include "unit/nn/tensors.h"
#include "unit/pretrained/fixtures.h"

namespace sinkwise::pretrained {
namespace {

using Ids = std::vector<tokenizer::TokenId>;

class Stories : public testing::Test {
 protected:
  void SetUp() override {
    const auto folder = test::data_folder() / "models";
    if (test::data_folder().empty()) GTEST_SKIP() << "SINKWISE_DATA is not set";
    path_ = folder / "stories260K.bin";
    reference_ = test::read_json(folder / "stories260K_reference.json");
  }

  std::filesystem::path path_;
  nlohmann::json reference_;
};

// Logits reach 10 and pass through five layers: float32 keeps five digits after the point or so,
// and the reference is rounded to 7.
TEST_F(Stories, LogitsAndLossesAreThoseOfTheReference) {
  const torch::NoGradGuard no_grad;
  const Model model = Model::open(path_);
  const at::Tensor tokens = test::tensor_of(reference_["ids"]).to(at::kLong).unsqueeze(0);
  const at::Tensor logits = LoadedModel(model).forward(tokens)[0];  // [64, V]
  const auto last = test::tensor_of(reference_["logits_last"]);
  EXPECT_LT(test::largest_difference(logits[-1], last), 1e-4);
  EXPECT_LT(test::largest_difference(logits[0], test::tensor_of(reference_["logits_pos0"])), 1e-4);
  const auto targets = tokens[0].narrow(0, 1, 63);
  const at::Tensor losses =
      -logits.narrow(0, 0, 63).log_softmax(-1).gather(1, targets.unsqueeze(1)).squeeze(1);
  EXPECT_LT(test::largest_difference(losses, test::tensor_of(reference_["nll"])), 1e-4);
}

TEST_F(Stories, GreedyTextIsThatOfTheReference) {
  const Model model = Model::open(path_);
  const auto expected = reference_["ids"].get<Ids>();
  const auto found = generate(LoadedModel(model), Ids{expected.front()}, {.tokens = 63});
  EXPECT_EQ(found.ids, Ids(expected.begin() + 1, expected.end()));
  const std::string text = model.load_tokenizer().decode(found.ids);
  EXPECT_TRUE(text.starts_with("Once upon a time, there was a little girl named Lily.")) << text;
}

}  // namespace
}  // namespace sinkwise::pretrained
