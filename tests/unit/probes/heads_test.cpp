#include "sinkwise/probes/heads.h"

#include <cmath>
#include <gtest/gtest.h>

#include "unit/nn/tensors.h"

namespace sinkwise::probes {
namespace {

at::Tensor row(std::vector<double> values) { return at::tensor(values, at::kFloat); }

// One batch row of four tokens, two query heads on one key head; every mean is worked out below.
nn::AttentionRecord sample() {
  nn::AttentionRecord record;
  record.gate = at::stack({row({0.0, 0.2, 0.4, 0.6}), row({0.0, 1.0, 0.97, 0.52})}).unsqueeze(0);
  record.informative = record.sees_first = torch::tensor({{0, 1, 1, 1}}).to(at::kBool);
  record.first_key_weight =
      at::stack({row({1.0, 0.8, 0.6, 0.4}), row({1.0, 0.0, 0.03, 0.48})}).unsqueeze(0);
  record.value_norm = row({1.0, 2.0, 4.0, 6.0}).view({1, 1, 4});
  record.output_norm = at::stack({row({1, 2, 3, 4}), row({0, 0, 0, 2})}).unsqueeze(0);
  return record;
}

void expect_near(const std::vector<double>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t n = 0; n < found.size(); ++n) EXPECT_NEAR(found[n], expected[n], 1e-6) << n;
}

TEST(HeadProbe, GivesMeansWorkedOutByHand) {
  HeadProbe probe(0);
  probe.add({sample()}, {}, {});
  const auto layers = probe.result();
  ASSERT_EQ(layers.size(), 1u);
  expect_near(layers[0].importance, {0.4, 0.83});
  expect_near(layers[0].first_token_weight, {0.6, 0.17});
  expect_near(layers[0].value_drain, {0.25, 0.25});  // 1 / mean(2, 4, 6), for both query heads
  expect_near(layers[0].output_norm, {2.5, 0.5});
  EXPECT_TRUE(layers[0].first_token_weight_by_group.empty());
}

// In a layer with a window the last row does not see the first token.
TEST(HeadProbe, RowsThatDoNotSeeTheFirstTokenSayNothingOfItsWeight) {
  HeadProbe probe(0);
  nn::AttentionRecord record = sample();
  record.sees_first = torch::tensor({{0, 1, 1, 0}}).to(at::kBool);
  probe.add({record}, {}, {});
  expect_near(probe.result()[0].first_token_weight, {0.7, 0.015});
}

TEST(HeadProbe, HistogramsCountInformativeRowsInTwentyBins) {
  HeadProbe probe(0);
  nn::AttentionRecord record = sample();
  record.gate = at::stack({row({0.0, 0.21, 0.23, 0.62}), row({0.0, 1.0, 0.97, 0.52})}).unsqueeze(0);
  probe.add({record}, {}, {});
  const auto histogram = probe.result()[0].gate_histogram;
  ASSERT_EQ(histogram.size(), 2u);
  std::vector<double> first(kGateBins, 0.0), second(kGateBins, 0.0);
  first[4] = 2.0 / 3;  // 0.21 and 0.23 lie in [0.20, 0.25)
  first[12] = 1.0 / 3;
  second[19] = 2.0 / 3;  // 1.0 belongs to the last bin
  second[10] = 1.0 / 3;
  expect_near(histogram[0], first);
  expect_near(histogram[1], second);
}

TEST(HeadProbe, MeansRunOverBatchesNotOverTheirMeans) {
  nn::AttentionRecord second = sample();
  second.gate = at::full({1, 2, 4}, 0.8f);
  second.informative = torch::tensor({{0, 0, 0, 1}}).to(at::kBool);
  HeadProbe probe(0);
  probe.add({sample()}, {}, {});
  probe.add({second}, {}, {});
  // Three rows of the first batch and one of the second.
  expect_near(probe.result()[0].importance, {(1.2 + 0.8) / 4, (2.49 + 0.8) / 4});
}

TEST(HeadProbe, AMaskOfOneRowCountsForEveryBatchRow) {
  nn::AttentionRecord record = sample();
  auto twice = [](const at::Tensor& tensor) { return at::cat({tensor, tensor * 0.5}, 0); };
  record.gate = twice(record.gate);
  record.first_key_weight = twice(record.first_key_weight);
  record.value_norm = twice(record.value_norm);
  record.output_norm = twice(record.output_norm);
  HeadProbe probe(0);
  probe.add({record}, {}, {});
  const auto layer = probe.result()[0];
  expect_near(layer.importance, {0.3, 0.6225});
  expect_near(layer.output_norm, {1.875, 0.375});
  double total = 0.0;
  for (double share : layer.gate_histogram[0]) total += share;
  EXPECT_NEAR(total, 1.0, 1e-12);
}

TEST(HeadProbe, TellsGroupsOfPositionsApart) {
  HeadProbe probe(3);
  const at::Tensor group = at::tensor({0, 0, 255, 1}).to(at::kByte).view({1, 4});
  probe.add({sample()}, group, {});
  const auto by_group = probe.result()[0].first_token_weight_by_group;
  ASSERT_EQ(by_group.size(), 3u);
  expect_near(by_group[0], {0.8, 0.0});  // row 0 is the first token itself
  expect_near(by_group[1], {0.4, 0.48});
  EXPECT_TRUE(std::isnan(by_group[2][0]));  // nobody is in that group
  expect_near(probe.result()[0].first_token_weight, {0.6, 0.17});
}

TEST(HeadProbe, WithoutGroupsInTheBatchTheirMeansAreNan) {
  HeadProbe probe(1);
  probe.add({sample()}, {}, {});
  ASSERT_EQ(probe.result()[0].first_token_weight_by_group.size(), 1u);
  expect_near(probe.result()[0].importance, {0.4, 0.83});
  EXPECT_TRUE(std::isnan(probe.result()[0].first_token_weight_by_group[0][1]));
}

TEST(HeadProbe, PackedDocumentsHaveOneFirstTokenEach) {
  HeadProbe probe(0);
  nn::AttentionRecord record = sample();
  record.sees_first = torch::tensor({{0, 1, 0, 1}}).to(at::kBool);
  probe.add({record}, {}, torch::tensor({{0, 0, 2, 2}}, at::kLong));
  const auto layer = probe.result()[0];
  expect_near(layer.first_token_weight, {(0.8 + 0.4) / 2, (0.0 + 0.48) / 2});
  // First tokens at 0 and 2: mean(1, 4) over mean(2, 6).
  expect_near(layer.value_drain, {2.5 / 4, 2.5 / 4});
}

TEST(HeadProbe, QueryHeadsReadTheValuesOfTheirKeyHead) {
  nn::AttentionRecord record = sample();
  for (at::Tensor* tensor : {&record.gate, &record.first_key_weight, &record.output_norm}) {
    *tensor = tensor->repeat({1, 2, 1});  // four query heads
  }
  record.value_norm = at::stack({row({1, 2, 4, 6}), row({8, 1, 2, 1})}).unsqueeze(0);  // two
  HeadProbe probe(0);
  probe.add({record}, {}, {});
  expect_near(probe.result()[0].value_drain, {0.25, 0.25, 6.0, 6.0});
}

TEST(HeadProbe, KeepsLayersApart) {
  nn::AttentionRecord other = sample();
  other.gate = other.gate * 0.5;
  HeadProbe probe(0);
  probe.add({sample(), other}, {}, {});
  const auto layers = probe.result();
  ASSERT_EQ(layers.size(), 2u);
  expect_near(layers[0].importance, {0.4, 0.83});
  expect_near(layers[1].importance, {0.2, 0.415});
}

TEST(HeadProbe, AsksForAllItReadsAndNotForTheMatrix) {
  const nn::Observe wanted = HeadProbe::wanted();
  EXPECT_TRUE(wanted.gate && wanted.first_key_weight && wanted.value_norm && wanted.output_norm);
  EXPECT_FALSE(wanted.weights);
}

TEST(Ablation, IsTheRiseOfTheLossWithOneHeadOff) {
  // Each head adds its own figure to the loss when it is off.
  const at::Tensor price = torch::tensor({{0.5, 0.0, -0.25}, {2.0, 1.0, 4.0}}, at::kDouble);
  int calls = 0;
  auto loss = [&](const at::Tensor& head_scale) {
    ++calls;
    EXPECT_LE((head_scale == 0).sum().item<long>(), 1);
    return 10.0 + (price * (1.0 - head_scale.to(at::kDouble))).sum().item<double>();
  };
  const auto costs = ablation_costs(2, 3, loss);
  EXPECT_EQ(calls, 7);
  ASSERT_EQ(costs.size(), 2u);
  expect_near(costs[0], {0.5, 0.0, -0.25});
  expect_near(costs[1], {2.0, 1.0, 4.0});
}

TEST(ParticipationRatio, CountsHowManyShareTheWhole) {
  EXPECT_DOUBLE_EQ(participation_ratio({1, 1, 1, 1}), 4.0);
  EXPECT_DOUBLE_EQ(participation_ratio({0, 3, 0}), 1.0);
  EXPECT_DOUBLE_EQ(participation_ratio({3, 1}), 16.0 / 10.0);
  EXPECT_DOUBLE_EQ(participation_ratio({3, 1, -50}), 16.0 / 10.0);  // negative parts do not count
  EXPECT_EQ(participation_ratio({0, -1}), 0.0);
  EXPECT_EQ(participation_ratio({}), 0.0);
}

}  // namespace
}  // namespace sinkwise::probes
