#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "fabricate.h"
#include "sinkwise/core/error.h"

namespace sinkwise::compare {
namespace {

TEST(Arms, DifferByEverythingButTheSeed) {
  compare::Run other_task = fabricated("sink", kBase, 0),
               labelled = fabricated("vanilla", kBase, 0);
  other_task.task = "another";
  labelled.label = "no_bos";
  const Comparison c =
      compare({labelled, fabricated("vanilla", kOpen, 1), fabricated("gated_headwise", kBase, 1),
               fabricated("vanilla", {"cv", 0.1, 0}, 0), fabricated("vanilla", {"cv", 0.1, 2}, 0),
               fabricated("vanilla", kBalanced, 0), fabricated("vanilla", kBase, 2), other_task,
               fabricated("sink", kBase, 1), fabricated("vanilla", kBase, 1)});
  std::vector<std::string> names;
  for (const Arm& arm : c.arms) names.push_back(arm.task + ": " + arm_name(arm));
  EXPECT_EQ(names, (std::vector<std::string>{
                       "another: sink, no balance",
                       "toy: vanilla, no balance",
                       "toy: vanilla, CV balance \u03bb = 0.01",
                       "toy: vanilla, CV balance \u03bb = 0.1",
                       "toy: vanilla, CV balance \u03bb = 0.1, 2 shared",
                       "toy: vanilla, open control \u03bb = 0.01",
                       "toy: sink, no balance",
                       "toy: gated (headwise), no balance",
                       "toy: vanilla \u00b7 no_bos, no balance",
                   }));
  EXPECT_EQ(c.arms[1].seeds(), (std::vector<std::int64_t>{1, 2}));
}

TEST(Arms, SummariseOverSeeds) {
  compare::Run first = fabricated("sink", kBase, 0, {{"cv", 0.1}}),
               second = fabricated("sink", kBase, 1, {{"cv", 0.3}});
  first.groups["copy"] = {{"loss", 1.0}, {"excess", 0.25}};
  second.groups["copy"] = {{"loss", 2.0}, {"excess", 0.75}};
  second.groups["other"] = {{"loss", 2.0}, {"excess", 0.5}};
  const Comparison c = compare({second, first});
  const Arm& arm = c.arms[0];
  EXPECT_EQ(arm.figures.at("cv").per_seed, (std::vector<double>{0.1, 0.3}));
  EXPECT_DOUBLE_EQ(arm.figures.at("cv").mean, 0.2);
  EXPECT_DOUBLE_EQ(arm.figures.at("cv").spread, std::sqrt(0.02));
  EXPECT_DOUBLE_EQ(arm.groups.at("copy").at("excess").mean, 0.5);
  EXPECT_EQ(measured(arm.groups.at("other").at("excess")), 1);
  EXPECT_DOUBLE_EQ(arm.importance_predicts_ablation.mean, 1.0);
}

TEST(Arms, EvaluationsAreHeldAgainstTheTwinAndTheUntouchedModel) {
  std::vector<compare::Run> runs;
  for (const std::int64_t seed : {0, 1}) {
    const double of_seed = 0.1 * static_cast<double>(seed);
    runs.push_back(fabricated("sink", kBase, seed));
    runs.back().evaluation.metrics = {accuracy("blimp", 0.6 + of_seed)};
    runs.push_back(fabricated("sink", kBalanced, seed));
    runs.back().evaluation.metrics = {accuracy("blimp", 0.64 + 2 * of_seed)};
  }
  runs.push_back(fabricated("sink", kBase, 2));  // not evaluated
  const Comparison c = compare(std::move(runs));
  const MetricKey key{"blimp", "acc"};
  const EvaluatedMetric& base = c.arms[0].evaluation.at(key);
  EXPECT_EQ(measured(base.value), 2);
  EXPECT_NEAR(base.value.mean, 0.65, 1e-12);
  EXPECT_NEAR(base.change.mean, 0.15, 1e-12);
  EXPECT_EQ(base.standard_error, 0.05);
  const Figure& change = c.pairs[0].evaluation_change.at(key);
  EXPECT_NEAR(change.mean, 0.09, 1e-12);
  EXPECT_NEAR(change.spread, 0.1 / std::sqrt(2.0), 1e-12);
  EXPECT_TRUE(c.cautions.empty()) << c.cautions.front();
}

TEST(Arms, ATwinThatRepeatsAnotherCountsOnce) {
  compare::Run twin = fabricated("sink", kBase, 0), again = twin;
  again.directory = "again";
  again.figures["step_ms"] = 9.0;
  twin.row_losses = again.row_losses = {1.0, kUnmeasured};
  const compare::Run low = fabricated("sink", {"cv", 0.1, 0}, 0),
                     high = fabricated("sink", {"cv", 0.2, 0}, 0);
  const Comparison c = compare({twin, low, again, high});
  EXPECT_EQ(c.arms.size(), 3u);
  EXPECT_EQ(c.pairs.size(), 2u);
  again.row_losses[0] = 1.5;
  EXPECT_THROW(compare({twin, low, again, high}), BadArgument);
}

TEST(Arms, DifferencesToDifferentModelsHaveNoMean) {
  std::vector<compare::Run> runs;
  for (const std::int64_t seed : {0, 1}) {
    runs.push_back(fabricated("sink", kBase, seed));
    runs.back().evaluation.metrics = {accuracy("blimp", 0.6)};
    runs.back().evaluation.facts.other = "model " + std::to_string(seed);
  }
  const Comparison c = compare(runs);
  const EvaluatedMetric& metric = c.arms[0].evaluation.at({"blimp", "acc"});
  EXPECT_EQ(measured(metric.value), 2);
  EXPECT_EQ(measured(metric.change), 0);
}

TEST(Cautions, BalancesThatDifferWithinAnArmAreSaid) {
  compare::Run first = fabricated("sink", kBalanced, 0), second = fabricated("sink", kBalanced, 1);
  first.config["balance.open_gate"] = "0.85";
  second.config["balance.open_gate"] = "2.0";
  const auto said = [](const Comparison& c) {
    return std::ranges::any_of(c.cautions, [](const std::string& caution) {
      return caution.find("balance.open_gate") != std::string::npos;
    });
  };
  EXPECT_TRUE(said(compare({first, second})));
  EXPECT_FALSE(said(compare({first, fabricated("sink", kBase, 0)})));
}

TEST(Arms, EvaluationsOfOtherItemsAreLeftOut) {
  compare::Run base = fabricated("sink", kBase, 0), balanced = fabricated("sink", kBalanced, 0);
  base.evaluation.metrics = {accuracy("blimp", 0.6), accuracy("lambada", 0.3)};
  balanced.evaluation.metrics = {accuracy("blimp", 0.6), accuracy("lambada", 0.3)};
  balanced.evaluation.metrics[1].items_hash = "b";
  balanced.evaluation.facts.model = "elsewhere/model";
  const Comparison c = compare({base, balanced});
  EXPECT_EQ(c.arms[0].evaluation.size(), 1u);
  EXPECT_EQ(c.pairs[0].evaluation_change.size(), 1u);
  const auto said = [&](const std::string& part) {
    return std::ranges::any_of(c.cautions, [&](const std::string& caution) {
      return caution.find(part) != std::string::npos;
    });
  };
  EXPECT_TRUE(said("same items of lambada"));
  EXPECT_TRUE(said("elsewhere/model"));
}

TEST(Arms, RankAgreementIsTheMeanOverLayers) {
  compare::Run run = fabricated("sink", kBase, 0);
  Layer opposite = run.layers[0], silent;
  opposite.ablation = {4, 3, 2, 1};
  silent.importance = {0.1, 0.2, 0.3, 0.4};  // not ablated: left out
  run.layers.push_back(opposite);
  run.layers.push_back(silent);
  EXPECT_DOUBLE_EQ(compare({run}).arms[0].importance_predicts_ablation.mean, 0.0);
}

TEST(Arms, RefuseTheSameRunTwice) {
  EXPECT_THROW(compare({fabricated("sink", kBase, 0), fabricated("sink", kBase, 0)}), BadArgument);
  EXPECT_THROW(compare({}), BadArgument);
}

TEST(Pairs, CompareTheSeedsThatBothHave) {
  const Comparison c = compare({fabricated("sink", kBase, 0, {{"cv", 0.4}, {"excess", 0.1}}),
                                fabricated("sink", kBase, 1, {{"cv", 0.5}, {"excess", 0.2}}),
                                fabricated("sink", kBase, 7, {{"cv", 0.9}}),
                                fabricated("sink", kBalanced, 1, {{"cv", 0.05}, {"excess", 0.3}}),
                                fabricated("sink", kBalanced, 0, {{"cv", 0.1}, {"excess", 0.15}}),
                                fabricated("sink", kBalanced, 8, {{"cv", 0.0}})});
  ASSERT_EQ(c.pairs.size(), 1u);
  const Pair& pair = c.pairs[0];
  EXPECT_EQ(pair.seeds, (std::vector<std::int64_t>{0, 1}));
  ASSERT_EQ(pair.cv_ratio.per_seed.size(), 2u);
  EXPECT_DOUBLE_EQ(pair.cv_ratio.per_seed[0], 0.25);
  EXPECT_DOUBLE_EQ(pair.cv_ratio.per_seed[1], 0.1);
  EXPECT_DOUBLE_EQ(pair.worst_cv_ratio, 0.25);
  EXPECT_EQ(pair.worst_seed, 0);
  EXPECT_EQ(pair.judged_by, "excess");
  EXPECT_NEAR(pair.change.at("excess").mean, 0.075, 1e-12);
  EXPECT_NEAR(pair.change.at("excess").spread, 0.05 / std::sqrt(2.0), 1e-12);
}

TEST(Pairs, PairTheLossesOfHeldOutRows) {
  compare::Run base = fabricated("sink", kBase, 0), balanced = fabricated("sink", kBalanced, 0);
  base.row_losses = {1.0, 5.0, kUnmeasured, 9.0};
  balanced.row_losses = {1.5, 5.0, 3.0, 10.0};  // differences .5, 0, 1: deviation .5
  EXPECT_NEAR(compare({base, balanced}).pairs[0].row_error.mean, 0.5 / std::sqrt(3.0), 1e-12);
  balanced.row_losses.pop_back();  // other rows: nothing to pair
  EXPECT_TRUE(std::isnan(compare({base, balanced}).pairs[0].row_error.mean));
  balanced.row_losses.clear(), base.row_losses.clear();
  EXPECT_TRUE(std::isnan(compare({base, balanced}).pairs[0].row_error.mean));
}

TEST(Pairs, NeedATwin) {
  compare::Run other_label = fabricated("sink", kBalanced, 0),
               other_seed = fabricated("gated_headwise", kBalanced, 5);
  other_label.label = "no_bos";
  EXPECT_TRUE(compare({fabricated("sink", kBase, 0), fabricated("vanilla", kBalanced, 0),
                       other_label, fabricated("gated_headwise", kBase, 0), other_seed})
                  .pairs.empty());
}

TEST(Pairs, FallBackToTheLossWhereNoOracleIsKnown) {
  const Comparison c =
      compare({fabricated("sink", kBase, 0, {{"excess", kUnmeasured}, {"loss", 2.0}}),
               fabricated("sink", kBalanced, 0, {{"excess", kUnmeasured}, {"loss", 1.5}})});
  EXPECT_EQ(c.pairs[0].judged_by, "loss");
  EXPECT_DOUBLE_EQ(c.pairs[0].change.at("loss").mean, -0.5);
  EXPECT_TRUE(std::isnan(c.pairs[0].change.at("loss").spread));
}

bool cautioned(const Comparison& comparison, const std::string& part) {
  for (const std::string& caution : comparison.cautions)
    if (caution.find(part) != std::string::npos) return true;
  return false;
}

TEST(Cautions, NameWhatMakesRunsHardToCompare) {
  std::vector<compare::Run> runs = {fabricated("sink", kBase, 0), fabricated("sink", kBase, 1),
                                    fabricated("sink", kBalanced, 0),
                                    fabricated("sink", kBalanced, 1)};
  EXPECT_TRUE(compare(runs).cautions.empty()) << compare(runs).cautions[0];
  runs[1].config["optim.lr"] = "0.02";
  EXPECT_TRUE(cautioned(compare(runs), "more than the seed: optim.lr"));
  runs[1].config["optim.lr"] = "0.01";
  runs[2].steps = 50;
  EXPECT_TRUE(cautioned(compare(runs), "more than the balance: steps"));
  runs[2].steps = 100;
  runs[0].provenance[1].second = "gpu";
  EXPECT_TRUE(cautioned(compare(runs), "differ in device: cpu, gpu"));
  EXPECT_EQ(compare(runs).provenance[1].second, "gpu, cpu");
  runs[3].skipped_steps = 2;
  runs[3].figures["loss"] = kUnmeasured;
  EXPECT_TRUE(cautioned(compare(runs), "skipped 2 steps"));
  EXPECT_TRUE(cautioned(compare(runs), "no finite validation loss"));
  runs.pop_back();
  EXPECT_TRUE(cautioned(compare(runs), "1 arm of 2 has one seed only"));
}

TEST(Cautions, LetSeedsAndBalanceDiffer) {
  std::vector<compare::Run> runs = {fabricated("sink", kBase, 0), fabricated("sink", kBase, 1),
                                    fabricated("sink", kBalanced, 0),
                                    fabricated("sink", kBalanced, 1)};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    runs[i].config["train.seed"] = std::to_string(i);
    runs[i].config["balance.lambda"] = std::to_string(runs[i].balance.lambda);
    runs[i].config["run.directory"] = std::to_string(i);
  }
  EXPECT_TRUE(compare(runs).cautions.empty());
}

}  // namespace
}  // namespace sinkwise::compare
