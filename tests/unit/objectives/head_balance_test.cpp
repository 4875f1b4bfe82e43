#include "sinkwise/objectives/head_balance.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>

#include "sinkwise/ops/geometry.h"
#include "unit/nn/tensors.h"

namespace sinkwise::objectives {
namespace {

using test::largest_difference;
using test::same_bits;

at::Tensor all_of(const at::Tensor& importance) { return at::ones_like(importance, at::kBool); }

double loss(const at::Tensor& importance, BalanceForm form) {
  return balance_loss(importance, all_of(importance), form).item<double>();
}

// One awake head and seven asleep: mean 0.15625, variance 0.8275 / 8 - mean^2 = 0.0790234375.
at::Tensor one_awake() {
  return at::tensor({0.9, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05}, at::kDouble).unsqueeze(0);
}
constexpr double kOneAwakeCv2 = 0.0790234375 / (0.15625 * 0.15625);

at::Tensor some_importance(std::int64_t layers, std::int64_t heads) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(7);
  return at::rand({layers, heads}, generator).to(at::kDouble) * 0.9 + 0.05;
}

TEST(HeadBalance, GivesNumbersWorkedOutByHand) {
  const at::Tensor importance = one_awake();
  EXPECT_NEAR(coefficient_of_variation(importance, all_of(importance)).item<double>(),
              std::sqrt(kOneAwakeCv2), 1e-12);
  EXPECT_NEAR(loss(importance, BalanceForm::cv), 8 * kOneAwakeCv2, 1e-12);
  EXPECT_NEAR(loss(importance, BalanceForm::switch_form), 1 + kOneAwakeCv2, 1e-12);
  EXPECT_NEAR(loss(importance, BalanceForm::open), 8 * 0.84375 * 0.84375, 1e-12);
  EXPECT_EQ(loss(importance, BalanceForm::none), 0.0);
  EXPECT_EQ(loss(importance, BalanceForm::loss_free), 0.0);
}

TEST(HeadBalance, LayersAdd) {
  const at::Tensor importance = some_importance(3, 5);
  for (const auto& [text, form] : balance_form_names()) {
    double sum = 0.0;
    for (std::int64_t layer = 0; layer < 3; ++layer) {
      sum += loss(importance[layer].unsqueeze(0), form);
    }
    EXPECT_NEAR(loss(importance, form), sum, 1e-12) << text;
  }
}

TEST(HeadBalance, SwitchIsOnePlusSquaredCvOfEachLayer) {
  const at::Tensor importance = some_importance(4, 6);
  const at::Tensor cv = coefficient_of_variation(importance, all_of(importance));
  EXPECT_NEAR(loss(importance, BalanceForm::switch_form), (1.0 + cv.square()).sum().item<double>(),
              1e-12);
}

TEST(HeadBalance, TheGradientOfCvFollowsItsFormula) {
  // dCV^2 / dImp_h = 2 / (n mu^2) ((Imp_h - mu) - sigma^2 / mu); the loss is n CV^2.
  const at::Tensor importance = some_importance(3, 6);
  const at::Tensor mean = importance.mean(1, true),
                   variance = importance.var(1, false).unsqueeze(1);
  const at::Tensor formula = 2.0 / mean.square() * ((importance - mean) - variance / mean);
  const at::Tensor found = balance_slope(importance, all_of(importance), BalanceForm::cv).slope;
  EXPECT_LT(largest_difference(found, formula), 1e-12);
  // CV does not change when every gate is scaled alike (Euler).
  EXPECT_LT((found * importance).sum(1).abs().max().item<double>(), 1e-12);
}

at::Tensor finite_differences(const at::Tensor& at_point,
                              const std::function<double(const at::Tensor&)>& value) {
  const double h = 1e-5;
  at::Tensor result = at::zeros_like(at_point);
  for (std::int64_t n = 0; n < at_point.numel(); ++n) {
    at::Tensor up = at_point.clone(), down = at_point.clone();
    up.view(-1)[n] += h;
    down.view(-1)[n] -= h;
    result.view(-1)[n] = (value(up) - value(down)) / (2 * h);
  }
  return result;
}

TEST(HeadBalance, GradientsEqualFiniteDifferences) {
  const at::Tensor importance = some_importance(2, 5);
  for (const std::int64_t shared : {0, 2}) {
    const at::Tensor routed = routed_heads(importance, shared);
    for (const BalanceForm form : {BalanceForm::cv, BalanceForm::open, BalanceForm::switch_form}) {
      SCOPED_TRACE(name(form));
      at::Tensor expected = finite_differences(importance, [&](const at::Tensor& point) {
        return balance_loss(point, routed, form).item<double>();
      });
      // Switch holds one of its two factors fixed: half of the slope of n sum p^2.
      if (form == BalanceForm::switch_form) expected = expected / 2;
      const at::Tensor found = balance_slope(importance, routed, form).slope;
      EXPECT_LT(largest_difference(found, expected), 1e-7);
      const at::Tensor leaf = importance.clone().requires_grad_();
      balance_loss(leaf, routed, form).backward();
      EXPECT_LT(largest_difference(leaf.grad(), found), 1e-12);  // the closed form and autograd
      EXPECT_NEAR(balance_slope(importance, routed, form).value,
                  balance_loss(importance, routed, form).item<double>(), 1e-12);
      EXPECT_EQ(found.masked_select(routed.logical_not()).abs().sum().item<double>(), 0.0);
    }
  }
}

TEST(HeadBalance, TheSlopeExistsWithoutAGradientMode) {
  torch::NoGradGuard no_grad;  // as in the trainer's first pass
  const at::Tensor found = balance_slope(one_awake(), all_of(one_awake()), BalanceForm::cv).slope;
  EXPECT_GT(found[0][0].item<double>(), 0.0);
  EXPECT_LT(found[0][1].item<double>(), 0.0);
  EXPECT_EQ(balance_slope(one_awake(), all_of(one_awake()), BalanceForm::none)
                .slope.abs()
                .sum()
                .item<double>(),
            0.0);
}

TEST(HeadBalance, TheOpenControlOpensWithoutBalancing) {
  const at::Tensor found = balance_slope(one_awake(), all_of(one_awake()), BalanceForm::open).slope;
  // n (1 - mean)^2: every head feels the same pull, -2 (1 - mean).
  EXPECT_LT(largest_difference(found, at::full_like(found, -2 * 0.84375)), 1e-12);
}

TEST(HeadBalance, SharedHeadsAreTheMostImportantOnes) {
  const at::Tensor importance = torch::tensor({{.1, .9, .5, .7}, {.4, .2, .3, .1}}, at::kDouble);
  const at::Tensor routed = routed_heads(importance, 2);
  EXPECT_TRUE(same_bits(routed, torch::tensor({{1, 0, 1, 0}, {0, 1, 0, 1}}).to(at::kBool)));
  // Of the routed {0.1, 0.5} and {0.2, 0.1}: CV 2/3 and 1/3, times H - m = 2.
  const double expected = 2 * (4.0 / 9.0) + 2 * (1.0 / 9.0);
  EXPECT_NEAR(balance_loss(importance, routed, BalanceForm::cv).item<double>(), expected, 1e-12);
  EXPECT_TRUE(routed_heads(importance, 0).all().item<bool>());
  EXPECT_FALSE(routed_heads(importance, 9).any().item<bool>());
}

TEST(HeadBalance, TiesGoToTheLowerIndex) {
  const at::Tensor importance = torch::tensor({{.2, .5, .5, .5, .1}}, at::kDouble);
  EXPECT_TRUE(
      same_bits(routed_heads(importance, 1), torch::tensor({{1, 0, 1, 1, 1}}).to(at::kBool)));
  EXPECT_TRUE(
      same_bits(routed_heads(importance, 2), torch::tensor({{1, 0, 0, 1, 1}}).to(at::kBool)));
  EXPECT_TRUE(
      same_bits(routed_heads(at::zeros({1, 3}), 1), torch::tensor({{0, 1, 1}}).to(at::kBool)));
}

TEST(HeadBalance, WithoutASpreadValueAndGradientAreZeroAndNeverNan) {
  struct Degenerate {
    const char* label;
    at::Tensor importance;
    std::int64_t shared;
  };
  const std::vector<Degenerate> cases = {
      {"all gates closed", at::zeros({2, 4}, at::kDouble), 0},
      {"all gates closed, shared", at::zeros({2, 4}, at::kDouble), 1},
      {"one head", at::full({2, 1}, 0.4, at::kDouble), 0},
      {"one routed head", some_importance(2, 4), 3},
      {"no routed head", some_importance(2, 4), 4},
      {"equal heads", at::full({2, 4}, 0.4, at::kDouble), 0},
  };
  for (const Degenerate& c : cases) {
    const at::Tensor routed = routed_heads(c.importance, c.shared);
    for (const BalanceForm form : {BalanceForm::cv, BalanceForm::switch_form}) {
      SCOPED_TRACE(std::string(c.label) + ", " + name(form));
      const at::Tensor slope = balance_slope(c.importance, routed, form).slope;
      EXPECT_LT(slope.abs().max().item<double>(), 1e-14);  // NaN fails too
    }
    SCOPED_TRACE(c.label);
    EXPECT_EQ(balance_loss(c.importance, routed, BalanceForm::cv).item<double>(), 0.0);
    EXPECT_EQ(coefficient_of_variation(c.importance, routed).abs().max().item<double>(), 0.0);
    EXPECT_TRUE(
        std::isfinite(balance_loss(c.importance, routed, BalanceForm::switch_form).item<double>()));
  }
}

TEST(HeadBalance, OneDeadLayerDoesNotSpoilTheOthers) {
  const at::Tensor importance = at::cat({at::zeros({1, 8}, at::kDouble), one_awake()});
  EXPECT_NEAR(loss(importance, BalanceForm::cv), 8 * kOneAwakeCv2, 1e-12);
  const at::Tensor slope = balance_slope(importance, all_of(importance), BalanceForm::cv).slope;
  EXPECT_EQ(slope[0].abs().sum().item<double>(), 0.0);
  EXPECT_GT(slope[1].abs().sum().item<double>(), 0.0);
}

nn::AttentionRecord record(const at::Tensor& gate, const at::Tensor& informative) {
  nn::AttentionRecord result;
  result.gate = gate;
  result.informative = informative;
  return result;
}

nn::AttentionRecord vanilla_record(const at::Tensor& gate, const at::Tensor& document_start,
                                   std::optional<std::int64_t> window = {}) {
  const ops::Geometry geometry{gate.size(2), gate.size(2), true, window, document_start};
  return record(gate, ops::informative_rows(geometry, ops::Gate::first_key, at::kCPU));
}

TEST(GateSums, LeaveOutRowsThatAreFixedByConstruction) {
  // Vanilla: row 0 is its own first key (gate 0). One head, two batch rows.
  const at::Tensor gate = at::tensor({0., .2, .4, .6, 0., .1, .1, .1}, at::kDouble).view({2, 1, 4});
  GateSums sums = GateSums::of({vanilla_record(gate, {})});
  EXPECT_EQ(sums.count.item<double>(), 6.0);
  EXPECT_NEAR(sums.importance().item<double>(), 1.5 / 6, 1e-12);
  // A window of 2 reaches the first key from rows 0 and 1 only: row 1 is all that says something.
  sums = GateSums::of({vanilla_record(gate, {}, 2)});
  EXPECT_EQ(sums.count.item<double>(), 2.0);
  EXPECT_NEAR(sums.importance().item<double>(), 0.15, 1e-12);
  // Documents {0, 1}, {2, 3} and {0}, {1, 2, 3}: rows 1, 3 and 2, 3.
  const at::Tensor starts = at::tensor({0, 0, 2, 2, 0, 1, 1, 1}, at::kLong).view({2, 4});
  sums = GateSums::of({vanilla_record(gate, starts)});
  EXPECT_EQ(sums.count.item<double>(), 4.0);
  EXPECT_NEAR(sums.importance().item<double>(), (.2 + .6 + .1 + .1) / 4, 1e-12);
}

TEST(GateSums, PaddingAsDocumentsOfOneTokenChangesNothing) {
  const at::Tensor gate = test::random_tensor({2, 3, 5}, 1, at::kDouble).sigmoid();
  const at::Tensor padded = at::cat({gate, at::ones({2, 3, 4}, at::kDouble)}, 2);
  at::Tensor starts = at::arange(9, at::kLong).repeat({2, 1});
  starts.narrow(1, 0, 5).zero_();
  const GateSums plain = GateSums::of({vanilla_record(gate, {})});
  const GateSums with_padding = GateSums::of({vanilla_record(padded, starts)});
  EXPECT_TRUE(same_bits(plain.count, with_padding.count));
  EXPECT_LT(largest_difference(plain.importance(), with_padding.importance()), 1e-15);
}

TEST(GateSums, AddOverMicroBatchesWhereMeansWouldNot) {
  const at::Tensor gate = test::random_tensor({4, 3, 6}, 2, at::kDouble).sigmoid();
  at::Tensor starts = at::zeros({4, 6}, at::kLong);
  starts[0] = at::arange(6, at::kLong);  // one-token documents: nothing to learn
  starts[1].narrow(0, 3, 3).fill_(3);    // two documents of three
  const GateSums whole = GateSums::of({vanilla_record(gate, starts)});
  GateSums parts;
  at::Tensor mean_of_means = at::zeros({1, 3}, at::kDouble);
  for (const std::int64_t first : {0, 2}) {
    const GateSums part =
        GateSums::of({vanilla_record(gate.narrow(0, first, 2), starts.narrow(0, first, 2))});
    parts.add(part);
    mean_of_means += part.importance() / 2;
  }
  EXPECT_EQ(whole.count.item<double>(), 0 + 4 + 5 + 5);
  EXPECT_TRUE(same_bits(whole.count, parts.count));
  EXPECT_LT(largest_difference(whole.importance(), parts.importance()), 1e-14);
  EXPECT_GT(largest_difference(whole.importance(), mean_of_means), 1e-3);
}

TEST(GateSums, ALayerWithoutInformativeRowsHasImportanceZero) {
  const at::Tensor gate = at::full({2, 3, 1}, 0.7).requires_grad_();  // a single position
  const GateSums sums = GateSums::of({vanilla_record(gate, {})});
  EXPECT_EQ(sums.importance().abs().max().item<double>(), 0.0);
  balance_loss(sums.importance(), at::ones({1, 3}, at::kBool), BalanceForm::cv).backward();
  EXPECT_EQ(gate.grad().abs().max().item<double>(), 0.0);
}

// float32 records in host memory are summed in one pass over memory, float64 ones by tensor
// operations: the second is the oracle of the first.
TEST(GateSums, InHostMemoryAreThoseOfTensorOperations) {
  const at::Tensor gate = test::random_tensor({3, 4, 7}, 5, at::kFloat).sigmoid();
  at::Tensor starts = at::zeros({3, 7}, at::kLong);
  starts[0] = at::arange(7, at::kLong);
  starts[1].narrow(0, 2, 5).fill_(2);
  for (const at::Tensor& documents : {at::Tensor(), starts}) {
    const auto host = vanilla_record(gate, documents);
    const auto exact = vanilla_record(gate.to(at::kDouble), documents);
    const GateSums found = GateSums::of({host, host}), expected = GateSums::of({exact, exact});
    EXPECT_TRUE(same_bits(found.sum, expected.sum.to(at::kFloat)));
    EXPECT_TRUE(same_bits(found.count, expected.count.to(at::kFloat)));
    const at::Tensor slope = test::random_tensor({4}, 6, at::kFloat);
    const at::Tensor gradient = gate_gradient(exact, slope).to(at::kFloat);
    EXPECT_TRUE(at::equal(gate_gradient(host, slope), gradient));
  }
}

TEST(GateSums, OfRowsThatDoNotCountMayBeAnything) {
  at::Tensor gate = at::full({2, 1, 3}, 0.5F);
  gate.select(2, 0).fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(GateSums::of({vanilla_record(gate, {})}).importance().item<double>(), 0.5);
}

TEST(GateSums, CarryGradientsToInformativeRowsOnly) {
  const at::Tensor gate = test::random_tensor({2, 3, 4}, 3, at::kDouble).sigmoid().requires_grad_();
  const GateSums sums = GateSums::of({vanilla_record(gate, {})});
  sums.importance()[0][1].backward();
  at::Tensor expected = at::zeros_like(gate);
  expected.select(1, 1).narrow(1, 1, 3).fill_(1.0 / 6.0);
  EXPECT_LT(largest_difference(gate.grad(), expected), 1e-15);
}

TEST(LossFree, OpensIdleHeadsAndClosesBusyOnes) {
  const at::Tensor biases = torch::tensor({{0.5f, 0.f, 0.f}, {1.f, 1.f, 1.f}});
  loss_free_step(biases, torch::tensor({{0.9f, 0.1f, 0.2f}, {0.25f, 0.25f, 0.25f}}), 0.01);
  const at::Tensor expected = torch::tensor({{0.49f, 0.01f, 0.01f}, {1.f, 1.f, 1.f}});
  EXPECT_LT(largest_difference(biases, expected), 1e-7);
}

TEST(BalanceStatistics, SayWhatTheHeadsDo) {
  const at::Tensor importance = at::cat({one_awake(), at::full({1, 8}, 0.5, at::kDouble)});
  const BalanceStatistics found = statistics(importance);
  ASSERT_EQ(found.cv.size(), 2u);
  EXPECT_NEAR(found.cv[0], std::sqrt(kOneAwakeCv2), 1e-12);
  EXPECT_NEAR(found.cv[1], 0.0, 1e-12);
  EXPECT_NEAR(found.mean_cv, std::sqrt(kOneAwakeCv2) / 2, 1e-12);
  EXPECT_NEAR(found.mean_gate, (0.15625 + 0.5) / 2, 1e-12);
  EXPECT_EQ(found.min_gate, 0.05);
  EXPECT_EQ(found.max_gate, 0.9);
  // H / (1 + CV^2) is 1 / sum p^2 of the shares p = {0.72, 0.04, ...}.
  EXPECT_NEAR(found.effective_heads, (1 / (0.72 * 0.72 + 7 * 0.04 * 0.04) + 8) / 2, 1e-12);
}

TEST(BalanceForms, HaveTheNamesOfRecipes) {
  for (const auto& [text, form] : balance_form_names()) EXPECT_EQ(name(form), text);
  EXPECT_EQ(name(BalanceForm::switch_form), "switch");
}

}  // namespace
}  // namespace sinkwise::objectives
