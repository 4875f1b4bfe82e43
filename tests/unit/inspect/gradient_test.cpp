#include "gradient.h"

#include <cmath>
#include <gtest/gtest.h>

#include "unit/inspect/fixture.h"
#include "walk.h"

namespace sinkwise::inspect {
namespace {

using pretrained::Model;

// The loss of one window when one head's output is multiplied by `factor`.
double loss_with(const Model& model, const at::Tensor& window, std::size_t layer, std::int64_t head,
                 double factor) {
  Variant variant;
  for (const auto& config : model.config().layers) {
    const auto* attention = config.attention();
    variant.head_scale.push_back(attention != nullptr ? at::ones({attention->heads})
                                                      : at::Tensor());
  }
  variant.head_scale[layer][head] = factor;
  return mean_loss(model, walk(model, window, {variant}, {}, nullptr, [] {}).front(), window);
}

// Central differences of step e are off by e^2 f''' / 6 and by the rounding of a float32 loss of
// about 5 over 2 e: 5 * 6e-8 / 4e-2 = 1e-5 each way, here with room for a few layers of rounding.
TEST(GradientScores, AreFiniteDifferences) {
  torch::NoGradGuard no_grad;
  for (const char* family : {"llama", "gpt_oss", "qwen3_next"}) {
    const Model model = Model::open(test::fixture(family));
    const at::Tensor tokens = test::some_tokens(2, 10);
    const auto scores = gradient_scores(model, tokens, [](auto) {});
    ASSERT_EQ(scores.size(), model.config().layers.size());
    constexpr double kStep = 2e-2;
    for (std::size_t layer = 0; layer < scores.size(); ++layer) {
      EXPECT_EQ(scores[layer].empty(), model.config().layers[layer].attention() == nullptr);
      for (std::size_t h = 0; h < scores[layer].size(); ++h) {
        SCOPED_TRACE(std::string(family) + " " + std::to_string(layer) + "." + std::to_string(h));
        double expected = 0.0;
        for (std::int64_t n = 0; n < 2; ++n) {
          const at::Tensor window = tokens.narrow(0, n, 1);
          const auto head = static_cast<std::int64_t>(h);
          // Each window's own mean loss is twice its part of the mean over both.
          expected += std::abs(loss_with(model, window, layer, head, 1.0 + kStep) -
                               loss_with(model, window, layer, head, 1.0 - kStep)) /
                      (2.0 * kStep) / 2.0 / 2.0;
        }
        EXPECT_NEAR(scores[layer][h], expected, 2e-3 + 0.02 * expected);
      }
    }
  }
}

}  // namespace
}  // namespace sinkwise::inspect
