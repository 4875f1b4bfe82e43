#include "sinkwise/data/bigram_backcopy.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <numeric>
#include <set>

#include "batches.h"
#include "sinkwise/core/error.h"

namespace sinkwise::data::test {
namespace {

TEST(BigramBackcopy, KeepsTheContractOfATask) {
  expect_task_contract(BigramBackcopy(), BigramBackcopy(), BigramBackcopy({.seed = 1}));
  expect_task_contract(BigramBackcopy({.beginning_token = false}),
                       BigramBackcopy({.beginning_token = false}),
                       BigramBackcopy({.seed = -1, .beginning_token = false}));
}

TEST(BigramBackcopy, TrainingAndHeldOutRowsDifferEvenWithTheSameSeed) {
  const BigramBackcopy task({.chain_seed = 5, .seed = 5});
  EXPECT_NE(task.train_batch(0, 0, 4).targets, task.validation_batch(0, 4).targets);
}

TEST(BigramBackcopy, TransitionRowsAndStationaryLawAreProbabilities) {
  const BigramBackcopy task;
  std::vector<double> after(32, 0.0);
  for (std::int64_t x = 0; x < 32; ++x) {
    double sum = 0.0;
    for (std::int64_t y = 0; y < 32; ++y) {
      const double p = task.probability(x, y);
      EXPECT_GE(p, 0.0);
      sum += p;
      after[static_cast<std::size_t>(y)] += task.stationary()[static_cast<std::size_t>(x)] * p;
    }
    EXPECT_NEAR(sum, 1.0, 1e-12);
  }
  for (std::size_t y = 0; y < 32; ++y) EXPECT_NEAR(after[y], task.stationary()[y], 1e-12);
  const auto& law = task.stationary();
  EXPECT_NEAR(std::accumulate(law.begin(), law.end(), 0.0), 1.0, 1e-12);
}

TEST(BigramBackcopy, TriggersAreTheMostProbableSymbols) {
  const BigramBackcopy task;
  std::vector<double> law = task.stationary();
  std::sort(law.rbegin(), law.rend());
  ASSERT_EQ(task.triggers().size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(task.stationary()[static_cast<std::size_t>(task.triggers()[i])], law[i]);
  }
}

// Rederives every group, target and oracle loss from the tokens alone.
void expect_rule(const BigramBackcopy& task, const BigramBackcopyOptions& options) {
  const Batch batch = task.train_batch(0, 0, 200);
  const std::int64_t lead = options.beginning_token ? 1 : 0;
  for (std::int64_t b = 0; b < batch.rows; ++b) {
    for (std::int64_t t = 0; t < batch.length; ++t) {
      const auto i = static_cast<std::size_t>(b * batch.length + t);
      if (t + 1 < batch.length) {
        ASSERT_EQ(batch.targets[i], batch.tokens[i + 1]);
      }
      if (t < lead) {
        ASSERT_EQ(batch.tokens[i], options.symbols);
        ASSERT_EQ(batch.group[i], Batch::kNoGroup);
        continue;
      }
      const auto rank = std::find(task.triggers().begin(), task.triggers().end(), batch.tokens[i]) -
                        task.triggers().begin();
      const bool trigger = rank < options.triggers;
      ASSERT_FALSE(t == lead && trigger) << "the first symbol is drawn without triggers";
      const std::int64_t offset = 1 + rank % options.offsets;
      const bool copies = trigger && t - lead >= offset;
      ASSERT_EQ(batch.group[i], copies ? BigramBackcopy::kBackcopy : BigramBackcopy::kBigram);
      if (copies) {
        ASSERT_EQ(batch.targets[i], batch.tokens[i - static_cast<std::size_t>(offset)]);
        ASSERT_EQ(batch.oracle[i], 0.0f);
      } else {
        const double p = task.probability(batch.tokens[i], batch.targets[i]);
        ASSERT_GT(p, 0.0);
        ASSERT_NEAR(batch.oracle[i], -std::log(p), 1e-5);
      }
    }
  }
}

TEST(BigramBackcopy, EveryRowFollowsTheRule) {
  for (const BigramBackcopyOptions& options :
       {BigramBackcopyOptions{}, BigramBackcopyOptions{.beginning_token = false},
        BigramBackcopyOptions{.triggers = 6, .offsets = 6},
        BigramBackcopyOptions{.triggers = 6, .offsets = 2, .beginning_token = false},
        BigramBackcopyOptions{.triggers = 0}, BigramBackcopyOptions{.symbols = 5, .length = 100},
        BigramBackcopyOptions{.symbols = 2, .triggers = 1}, BigramBackcopyOptions{.length = 1}}) {
    expect_rule(BigramBackcopy(options), options);
  }
}

TEST(BigramBackcopy, WithoutABeginningTokenEveryRowHasAGroup) {
  const BigramBackcopy task({.beginning_token = false});
  EXPECT_EQ(task.vocabulary(), 32);
  EXPECT_EQ(BigramBackcopy().vocabulary(), 33);
  const Batch batch = task.validation_batch(0, 256);
  EXPECT_EQ(std::count(batch.group.begin(), batch.group.end(), Batch::kNoGroup), 0);
}

double share_of_backcopy_rows(const BigramBackcopy& task, std::int64_t rows) {
  const Batch batch = task.train_batch(0, 0, rows);
  const auto copies = std::count(batch.group.begin(), batch.group.end(), BigramBackcopy::kBackcopy);
  return static_cast<double>(copies) / static_cast<double>(batch.group.size());
}

// Heads that open on copied rows only show this share as their mean gate. It varies with the chain:
// an independent simulation of the same law in NumPy gave 0.314 +- 0.030 over 200 chains.
TEST(BigramBackcopy, ShareOfBackcopyRows) {
  double mean = 0.0;
  for (std::int64_t chain = 0; chain < 100; ++chain) {
    const double share = share_of_backcopy_rows(BigramBackcopy({.chain_seed = chain}), 100);
    EXPECT_GT(share, 0.15) << chain;
    EXPECT_LT(share, 0.45) << chain;
    mean += share / 100.0;
  }
  EXPECT_NEAR(mean, 0.314, 0.012);  // four standard errors
  EXPECT_NEAR(share_of_backcopy_rows(BigramBackcopy(), 4096), 0.332, 0.005);
}

// The oracle's mean over bigram rows is the conditional entropy of the sampled pairs, computed from
// their counts alone.
TEST(BigramBackcopy, OracleIsTheConditionalEntropyOfTheSamples) {
  const Batch batch = BigramBackcopy().train_batch(1, 0, 20'000);
  std::map<std::int32_t, double> of_symbol;
  std::map<std::pair<std::int32_t, std::int32_t>, double> of_pair;
  double rows = 0.0;
  double oracle = 0.0;
  for (std::size_t i = 0; i < batch.tokens.size(); ++i) {
    if (batch.group[i] != BigramBackcopy::kBigram) continue;
    of_symbol[batch.tokens[i]] += 1.0;
    of_pair[{batch.tokens[i], batch.targets[i]}] += 1.0;
    rows += 1.0;
    oracle += batch.oracle[i];
  }
  double entropy = 0.0;
  for (const auto& [pair, count] : of_pair) {
    entropy -= count / rows * std::log(count / of_symbol[pair.first]);
  }
  EXPECT_NEAR(oracle / rows, entropy, 0.005);
  EXPECT_GT(entropy, 0.5);  // the test would be empty on a chain without chance
}

TEST(BigramBackcopy, FirstSymbolFollowsTheStationaryLawWithoutTriggers) {
  const BigramBackcopy task;
  const Batch batch = task.train_batch(2, 0, 50'000);
  const std::set<std::int32_t> triggers(task.triggers().begin(), task.triggers().end());
  std::vector<double> seen(32, 0.0);
  for (std::int64_t b = 0; b < batch.rows; ++b) {
    const auto first = static_cast<std::size_t>(batch.targets[static_cast<std::size_t>(b * 32)]);
    seen[first] += 1.0 / static_cast<double>(batch.rows);
  }
  double rest = 0.0;
  for (std::size_t x = 0; x < 32; ++x) {
    if (!triggers.contains(static_cast<std::int32_t>(x))) rest += task.stationary()[x];
  }
  for (std::size_t x = 0; x < 32; ++x) {
    const bool trigger = triggers.contains(static_cast<std::int32_t>(x));
    EXPECT_NEAR(seen[x], trigger ? 0.0 : task.stationary()[x] / rest, 0.01) << x;
  }
}

TEST(BigramBackcopy, AnotherChainSeedGivesAnotherChain) {
  EXPECT_NE(BigramBackcopy().stationary(), BigramBackcopy({.chain_seed = 1}).stationary());
  EXPECT_NE(BigramBackcopy().fingerprint(), BigramBackcopy({.chain_seed = 1}).fingerprint());
}

TEST(BigramBackcopy, RefusesOptionsOutOfRange) {
  for (const BigramBackcopyOptions& options :
       {BigramBackcopyOptions{.symbols = 1}, BigramBackcopyOptions{.symbols = 5000},
        BigramBackcopyOptions{.length = 0}, BigramBackcopyOptions{.length = std::int64_t{1} << 40},
        BigramBackcopyOptions{.triggers = 32}, BigramBackcopyOptions{.triggers = -1},
        BigramBackcopyOptions{.offsets = 4}, BigramBackcopyOptions{.offsets = 0},
        BigramBackcopyOptions{.validation_rows = 0}}) {
    EXPECT_THROW(BigramBackcopy{options}, BadConfig);
  }
}

}  // namespace
}  // namespace sinkwise::data::test
