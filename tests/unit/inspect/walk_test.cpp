#include "walk.h"

#include <gtest/gtest.h>

#include "interventions.h"
#include "unit/inspect/fixture.h"

namespace sinkwise::inspect {
namespace {

using pretrained::LoadedModel;
using pretrained::Model;
using test::fixture;
using test::some_tokens;

double loss_of_logits(const at::Tensor& logits, const at::Tensor& tokens) {
  const auto T = tokens.size(1);
  return at::cross_entropy_loss(logits.narrow(1, 0, T - 1).flatten(0, 1),
                                tokens.narrow(1, 1, T - 1).flatten())
      .item<double>();
}

double loss_of(const Model& model, const at::Tensor& tokens, const Variant& variant) {
  const auto hidden = walk(model, tokens, {variant}, {}, nullptr, [] {});
  return mean_loss(model, hidden.front(), tokens);
}

std::vector<at::Tensor> scales(const Model& model, double value) {
  std::vector<at::Tensor> result;
  for (const auto& layer : model.config().layers) {
    const auto* attention = layer.attention();
    result.push_back(attention != nullptr ? at::full({attention->heads}, value) : at::Tensor());
  }
  return result;
}

// Rounding of float32 over a few layers.
constexpr double kLoss = 1e-5;

TEST(Walk, GivesTheLossOfTheWholeModel) {
  torch::NoGradGuard no_grad;
  for (const char* family : {"llama", "gpt2", "gpt_oss", "qwen3_next"}) {
    SCOPED_TRACE(family);
    const Model model = Model::open(fixture(family));
    const at::Tensor tokens = some_tokens(3, 12);
    EXPECT_NEAR(loss_of(model, tokens, {}),
                loss_of_logits(LoadedModel(model).forward(tokens), tokens), kLoss);
  }
}

// Windows are cut into batches of 2048 tokens: 300 of 12 take two.
TEST(Walk, BatchesDoNotMatter) {
  torch::NoGradGuard no_grad;
  const Model model = Model::open(fixture("llama"));
  const at::Tensor tokens = some_tokens(300, 12);
  const auto together = walk(model, tokens, {{}}, {}, nullptr, [] {});
  const auto alone = walk(model, tokens.narrow(0, 299, 1), {{}}, {}, nullptr, [] {});
  EXPECT_LT(test::largest_difference(together[0].narrow(0, 299, 1), alone[0]), 1e-5);
}

TEST(Walk, VariantsStandBesideEachOther) {
  torch::NoGradGuard no_grad;
  const Model model = Model::open(fixture("qwen3_next"));  // its first layer has no heads
  const at::Tensor tokens = some_tokens(2, 9);
  const std::vector<Variant> variants{
      {}, {scales(model, 0.0), false}, {scales(model, 1.0), false}, {{}, true}};
  const auto hidden = walk(model, tokens, variants, {}, nullptr, [] {});
  for (std::size_t v = 0; v < variants.size(); ++v) {
    EXPECT_NEAR(mean_loss(model, hidden[v], tokens), loss_of(model, tokens, variants[v]), kLoss);
  }
  EXPECT_TRUE(test::same_bits(hidden[0], hidden[2]));
  EXPECT_GT(test::largest_difference(hidden[0], hidden[1]), 0.01);
  EXPECT_GT(test::largest_difference(hidden[0], hidden[3]), 0.01);
}

TEST(Walk, VisitsEveryLayerOfTheFirstVariantOnce) {
  torch::NoGradGuard no_grad;
  const Model model = Model::open(fixture("gpt_oss"));
  const at::Tensor tokens = some_tokens(2, 9);
  nn::Observe observe;
  observe.gate = true;
  std::vector<std::int64_t> visited;
  int done = 0;
  const auto hidden = walk(
      model, tokens, {{}, {{}, true}}, observe,
      [&](std::int64_t layer, const nn::AttentionRecord& record, const at::Tensor& state) {
        visited.push_back(layer);
        EXPECT_TRUE(record.gate.defined());
        EXPECT_EQ(state.size(1), 9);
      },
      [&] { ++done; });
  EXPECT_EQ(done, static_cast<int>(model.config().layers.size()));
  EXPECT_EQ(visited.size(), model.config().layers.size());
}

TEST(Interventions, CurvesAreTheLossesOfTheirVariants) {
  torch::NoGradGuard no_grad;
  const Model model = Model::open(fixture("llama"));
  const auto L = model.config().layers.size();
  const auto H = static_cast<std::size_t>(model.config().layers[0].attention()->heads);
  std::vector<LayerInspection> layers(L);
  for (std::size_t l = 0; l < L; ++l) {
    for (std::size_t h = 0; h < H; ++h) {
      layers[l].heads.importance.push_back(static_cast<double>((5 * (l * H + h) + 3) % (L * H)));
      layers[l].heads.output_norm.push_back(1.0 + static_cast<double>(h));
    }
  }
  const at::Tensor tokens = some_tokens(2, 12);
  const Interventions found = intervene(model, tokens, layers, {.pruning_windows = 2}, [](auto) {});
  ASSERT_EQ(found.curves.size(), 4U);  // importance, HONOR, gradient, random
  EXPECT_NEAR(found.loss, loss_of(model, tokens, {}), kLoss);
  EXPECT_NEAR(found.loss_without_first_value, loss_of(model, tokens, {{}, true}), kLoss);
  // Half of the heads: those whose made-up importance is below the median.
  ASSERT_EQ(found.curves[0].silenced.back(), static_cast<std::int64_t>(L * H / 2));
  Variant half{scales(model, 1.0), false};
  for (std::size_t l = 0; l < L; ++l) {
    for (std::size_t h = 0; h < H; ++h) {
      if (layers[l].heads.importance[h] < static_cast<double>(L * H) / 2.0) {
        half.head_scale[l][static_cast<std::int64_t>(h)] = 0.0;
      }
    }
  }
  EXPECT_NEAR(found.curves[0].loss.back(), loss_of(model, tokens, half), kLoss);
  EXPECT_EQ(found.curves[3].spread.size(), found.curves[3].loss.size());
}

}  // namespace
}  // namespace sinkwise::inspect
