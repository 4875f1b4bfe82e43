#include <gtest/gtest.h>

#include "fabricate.h"

namespace sinkwise::compare {
namespace {

using report::Status;
using Values = std::vector<double>;

// A base arm and another one, one run a value.
std::vector<compare::Run> two_arms(const char* key, const Values& base, const Balance& balance,
                                   const Values& other) {
  std::vector<compare::Run> runs;
  for (std::size_t i = 0; i < base.size(); ++i)
    runs.push_back(fabricated("sink", kBase, static_cast<std::int64_t>(i), {{key, base[i]}}));
  for (std::size_t i = 0; i < other.size(); ++i)
    runs.push_back(fabricated("sink", balance, static_cast<std::int64_t>(i), {{key, other[i]}}));
  return runs;
}

report::Verdict only(const std::string& id, std::vector<compare::Run> runs) {
  const Comparison comparison = compare(std::move(runs));
  const auto& items = answers_to(comparison, id).items;
  EXPECT_EQ(items.size(), 1u) << id;
  return items.empty() ? report::Verdict{} : items[0];
}

bool says(const report::Verdict& verdict, const std::string& part) {
  return verdict.evidence.find(part) != std::string::npos;
}

TEST(BalanceLowersCv, HoldsBelowHalfInEverySeed) {
  const auto verdict = only("balance_lowers_cv", two_arms("cv", {0.4, 0.5}, kBalanced, {0.1, 0.2}));
  EXPECT_EQ(verdict.status, Status::holds);
  EXPECT_TRUE(says(verdict, "worst ratio 0.400 (seed 1)")) << verdict.evidence;
  for (const char* beside : {"mean gate", "first-token weight", "effective heads by ablation"})
    EXPECT_TRUE(says(verdict, beside)) << beside;
}

TEST(BalanceLowersCv, OneSeedAtHalfIsEnoughToFail) {
  EXPECT_EQ(only("balance_lowers_cv", two_arms("cv", {0.4, 0.5}, kBalanced, {0.1, 0.25})).status,
            Status::does_not_hold);
}

TEST(BalanceLowersCv, UndecidedWithoutFigures) {
  EXPECT_EQ(only("balance_lowers_cv", two_arms("cv", {kUnmeasured}, kBalanced, {0.1})).status,
            Status::undecided);
  EXPECT_EQ(only("balance_lowers_cv", {fabricated("sink", kBase, 0)}).status, Status::undecided);
}

TEST(BalanceLowersCv, TheControlIsNoBalancing) {
  EXPECT_EQ(only("balance_lowers_cv", two_arms("cv", {0.4}, kOpen, {0.1})).status,
            Status::undecided);
}

TEST(BalanceLowersCv, SumsUpSeveralPairs) {
  std::vector<compare::Run> runs = two_arms("cv", {0.4, 0.5}, kBalanced, {0.1, 0.2});
  runs.push_back(fabricated("vanilla", kBase, 3, {{"cv", 0.2}}));
  runs.push_back(fabricated("vanilla", kBalanced, 3, {{"cv", 0.18}}));
  const Comparison comparison = compare(runs);
  const auto& items = answers_to(comparison, "balance_lowers_cv").items;
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(items[0].status, Status::does_not_hold);
  EXPECT_TRUE(says(items[0], "in 2 of 3 pairs, worst ratio 0.900 (vanilla")) << items[0].evidence;
  EXPECT_TRUE(says(items[0], "seed 3)"));
}

TEST(BalanceAndLoss, SaysNoEffectWithinTheSpread) {
  const auto verdict =
      only("balance_and_loss", two_arms("excess", {1, 1, 1}, kBalanced, {0.9, 1.1, 0.99}));
  EXPECT_EQ(verdict.status, Status::null);
  EXPECT_TRUE(says(verdict, "lower in 2 of 3 seeds")) << verdict.evidence;
}

TEST(BalanceAndLoss, SaysTheSignOfAnEffect) {
  EXPECT_EQ(
      only("balance_and_loss", two_arms("excess", {1, 2, 3}, kBalanced, {0.9, 1.88, 2.89})).status,
      Status::holds);
  const auto worse =
      only("balance_and_loss", two_arms("excess", {1, 2, 3}, kBalanced, {1.1, 2.12, 3.11}));
  EXPECT_EQ(worse.status, Status::does_not_hold);
  EXPECT_TRUE(says(worse, "+0.1100 \u00b1 0.0100 nats, lower in 0 of 3 seeds")) << worse.evidence;
}

TEST(BalanceAndLoss, ShowsWhatOpeningGatesAloneGains) {
  auto runs = two_arms("excess", {1, 2, 3}, kBalanced, {0.9, 1.88, 2.89});
  for (std::int64_t seed = 0; seed < 3; ++seed) {
    runs.push_back(fabricated("sink", kOpen, seed, {{"excess", static_cast<double>(seed) + 0.75}}));
    runs.push_back(fabricated("vanilla", kBase, seed, {{"excess", 1.0}}));
    runs.push_back(fabricated("vanilla", kBalanced, seed, {{"excess", 0.5}}));
  }
  const Comparison comparison = compare(runs);
  const auto& items = answers_to(comparison, "balance_and_loss").items;
  ASSERT_EQ(items.size(), 2u);  // vanilla, then sink
  EXPECT_FALSE(says(items[0], "control")) << items[0].evidence;
  EXPECT_TRUE(says(items[1], "seeds (open control λ = 0.01: −0.2500 ± 0.0000 nats)"))
      << items[1].evidence;
}

TEST(BalanceAndLoss, FewerThanThreeSeedsAreUndecided) {
  EXPECT_EQ(only("balance_and_loss", two_arms("excess", {1, 2}, kBalanced, {0.5, 1.5})).status,
            Status::undecided);
  EXPECT_EQ(only("balance_and_loss", two_arms("excess", {1}, kBalanced, {0.5})).status,
            Status::undecided);
}

std::vector<compare::Run> sink_runs(const Values& share, const Values& weight,
                                    const std::string& label = "") {
  std::vector<compare::Run> runs;
  for (std::size_t i = 0; i < share.size(); ++i) {
    runs.push_back(fabricated("vanilla", kBase, static_cast<std::int64_t>(i),
                              {{"sink_share", share[i]}, {"first_token_weight", weight[i]}}));
    runs.back().label = label;
  }
  return runs;
}

std::vector<compare::Run> with_control(std::vector<compare::Run> runs,
                                       const Values& control_weight) {
  for (compare::Run& run : sink_runs(Values(control_weight.size(), 0.0), control_weight, "no_bos"))
    runs.push_back(run);
  return runs;
}

TEST(FirstTokenSink, HoldsAboveTheControl) {
  const auto verdict =
      only("first_token_sink", with_control(sink_runs({0.5, 0.375}, {0.3, 0.25}), {0.03, 0.04}));
  EXPECT_EQ(verdict.status, Status::holds);
  EXPECT_TRUE(says(verdict, "control without a first token (no_bos)")) << verdict.evidence;
}

TEST(FirstTokenSink, NullWhereTheControlHasAsMuch) {
  EXPECT_EQ(
      only("first_token_sink", with_control(sink_runs({0.5, 0.375}, {0.3, 0.25}), {0.03, 0.26}))
          .status,
      Status::null);
}

TEST(FirstTokenSink, NullWithoutAnySinkHead) {
  EXPECT_EQ(only("first_token_sink", sink_runs({0.0, 0.0}, {0.02, 0.02})).status, Status::null);
}

TEST(FirstTokenSink, UndecidedWhenSeedsDisagreeOrSayNothing) {
  EXPECT_EQ(only("first_token_sink", sink_runs({0.5, 0.0}, {0.3, 0.02})).status, Status::undecided);
  EXPECT_EQ(only("first_token_sink", sink_runs({kUnmeasured}, {0.3})).status, Status::undecided);
}

TEST(FirstTokenSink, SaysWhenThereIsNoControl) {
  const auto verdict = only("first_token_sink", sink_runs({0.5, 0.5}, {0.3, 0.3}));
  EXPECT_EQ(verdict.status, Status::holds);
  EXPECT_TRUE(says(verdict, "no control"));
}

TEST(FirstTokenSink, IsAskedOfPlainAttentionOnly) {
  EXPECT_TRUE(
      answers_to(compare({fabricated("sink", kBase, 0)}), "first_token_sink").items.empty());
}

TEST(LowCvByOpening, HoldsWhenTheControlGetsThereToo) {
  std::vector<compare::Run> runs = two_arms("cv", {0.4, 0.5}, kOpen, {0.02, 0.03});
  runs.push_back(fabricated("sink", kBalanced, 0, {{"cv", 0.01}, {"mean_gate", 0.36}}));
  const auto verdict = only("low_cv_alone_is_not_success", runs);
  EXPECT_EQ(verdict.status, Status::holds);
  EXPECT_TRUE(says(verdict, "mean gate 0.500 \u00b1 0.000 / 0.360 / 0.500 \u00b1 0.000"))
      << verdict.evidence;
}

TEST(LowCvByOpening, DoesNotHoldWhenItDoesNot) {
  EXPECT_EQ(only("low_cv_alone_is_not_success", two_arms("cv", {0.4}, kOpen, {0.39})).status,
            Status::does_not_hold);
}

TEST(LowCvByOpening, UndecidedWithoutTheControl) {
  EXPECT_EQ(only("low_cv_alone_is_not_success", two_arms("cv", {0.4}, kBalanced, {0.1})).status,
            Status::undecided);
}

compare::Run with_ablation(const Values& ablation) {
  compare::Run run = fabricated("sink", kBase, 0);
  run.layers[0].ablation = ablation;
  return run;
}

TEST(GatesAndAblation, FollowsTheRankCorrelation) {
  EXPECT_EQ(only("gates_and_ablation", {with_ablation({1, 2, 3, 4})}).status, Status::holds);
  EXPECT_EQ(only("gates_and_ablation", {with_ablation({4, 3, 2, 1})}).status,
            Status::does_not_hold);
  const auto none = only("gates_and_ablation", {with_ablation({2, 4, 1, 3})});  // ranks: rho = 0
  EXPECT_EQ(none.status, Status::null);
  EXPECT_TRUE(says(none, "0.00")) << none.evidence;
  EXPECT_EQ(only("gates_and_ablation", {with_ablation({})}).status, Status::undecided);
}

TEST(HeadsThatMatter, AreCountedByAblation) {
  const char* key = "effective_heads_ablation";
  const auto run = [&](Values base, Values balanced) {
    return only("heads_that_matter", two_arms(key, base, kBalanced, balanced)).status;
  };
  EXPECT_EQ(run({2, 3, 4}, {4, 5.1, 6.2}), Status::holds);
  EXPECT_EQ(run({4, 5, 6}, {2, 3.1, 4.2}), Status::does_not_hold);
  EXPECT_EQ(run({2, 3, 4}, {3, 2, 4}), Status::null);
  EXPECT_EQ(run({2}, {7}), Status::undecided);
}

}  // namespace
}  // namespace sinkwise::compare
