#include "sinkwise/eval/metrics.h"

#include <cmath>
#include <gtest/gtest.h>

#include "sinkwise/core/error.h"
#include "sinkwise/core/random.h"

namespace sinkwise::eval {
namespace {

// An item of rows with these log-likelihoods.
ItemScore item_of(const std::vector<double>& log_likelihoods, std::size_t label,
                  const std::vector<std::int64_t>& lengths) {
  ItemScore item;
  item.facts.label = label, item.facts.lengths = lengths;
  for (const double value : log_likelihoods) {
    item.rows.push_back({value, false});
    item.tokens.push_back(2);
  }
  return item;
}

ItemScore word_of(double log_likelihood, bool greedy) {
  ItemScore item = item_of({log_likelihood}, 0, {5});
  item.rows[0].greedy = greedy;
  return item;
}

ItemScore window_of(double log_likelihood, std::int64_t tokens, std::int64_t bytes) {
  ItemScore item = item_of({log_likelihood}, 0, {bytes});
  item.tokens = {tokens};
  return item;
}

Metric metric_of(Kind kind, const std::string& name, const std::vector<ItemScore>& items) {
  for (const MetricRule& rule : rules_of(kind)) {
    if (name == rule.name) return estimate(rule, items);
  }
  ADD_FAILURE() << "no metric " << name;
  return {};
}

TEST(Metrics, AccuracyBySumAndByCharacter) {
  // By sum the first wins each time; by character -6/2 < -8/4, so the second does.
  const std::vector<ItemScore> items = {
      item_of({-6.0, -8.0}, 0, {2, 4}), item_of({-6.0, -8.0}, 1, {2, 4}),
      item_of({-6.0, -8.0}, 0, {2, 4}), item_of({-6.0, -8.0}, 0, {2, 4})};
  const Metric acc = metric_of(Kind::normalised_choices, "acc", items);
  EXPECT_DOUBLE_EQ(acc.value, 0.75);
  // Sample deviation of (1, 0, 1, 1) is 0.5; over sqrt(4).
  EXPECT_DOUBLE_EQ(acc.standard_error, 0.25);
  EXPECT_TRUE(acc.higher_is_better);
  EXPECT_DOUBLE_EQ(metric_of(Kind::normalised_choices, "acc_norm", items).value, 0.25);
}

TEST(Metrics, TheFirstOfEqualsWins) {
  EXPECT_EQ(metric_of(Kind::choices, "acc", {item_of({-1.0, -1.0}, 0, {1, 1})}).value, 1.0);
  EXPECT_EQ(metric_of(Kind::choices, "acc", {item_of({-1.0, -1.0}, 1, {1, 1})}).value, 0.0);
}

TEST(Metrics, AnEmptyChoiceNeverWinsByCharacter) {
  const std::vector<ItemScore> items = {item_of({-1.0, -50.0}, 1, {0, 4})};
  EXPECT_EQ(metric_of(Kind::normalised_choices, "acc_norm", items).value, 1.0);
}

TEST(Metrics, LastWord) {
  const std::vector<ItemScore> items = {word_of(-1.0, true), word_of(-2.0, false),
                                        word_of(-6.0, false)};
  EXPECT_DOUBLE_EQ(metric_of(Kind::last_word, "acc", items).value, 1.0 / 3.0);
  const Metric perplexity = metric_of(Kind::last_word, "perplexity", items);
  EXPECT_DOUBLE_EQ(perplexity.value, std::exp(3.0));
  // Deviation of (1, 2, 6) is sqrt(7).
  EXPECT_NEAR(perplexity.standard_error, std::exp(3.0) * std::sqrt(7.0 / 3.0), 1e-12);
  EXPECT_FALSE(perplexity.higher_is_better);
}

TEST(Metrics, TextIsARatioOfSums) {
  const std::vector<ItemScore> items = {window_of(-10.0, 4, 16), window_of(-2.0, 2, 4)};
  const Metric bits = metric_of(Kind::text, "bits_per_byte", items);
  EXPECT_DOUBLE_EQ(bits.value, 12.0 / std::log(2.0) / 20.0);
  EXPECT_DOUBLE_EQ(metric_of(Kind::text, "perplexity", items).value, std::exp(2.0));
  // Residuals in nats: 10 - 0.6 * 16 = 0.4 and 2 - 0.6 * 4 = -0.4; sqrt(2 / 1 * 0.32) / 20 = 0.04.
  EXPECT_NEAR(bits.standard_error, 0.04 / std::log(2.0), 1e-12);
}

TEST(Metrics, OneItemHasNoStandardError) {
  EXPECT_TRUE(std::isnan(metric_of(Kind::last_word, "acc", {word_of(-1.0, true)}).standard_error));
}

// --- Paired differences ---

std::vector<ItemScore> random_words(std::int64_t n, double shift) {
  RandomStream noise(1, {0}), own(2, {shift == 0.0 ? 0u : 1u});
  std::vector<ItemScore> items;
  for (std::int64_t i = 0; i < n; ++i) {
    items.push_back(window_of(shift - 3.0 * noise.uniform() - 0.5 * own.normal() - 3.0, 1, 1));
  }
  return items;
}

TEST(Differences, SameSeedSameInterval) {
  const auto a = random_words(50, 0.0), b = random_words(50, 0.1);
  const auto one = differences(Kind::text, a, b, {1000, 7});
  const auto two = differences(Kind::text, a, b, {1000, 7});
  const auto other = differences(Kind::text, a, b, {1000, 8});
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].low, two[i].low);
    EXPECT_EQ(one[i].high, two[i].high);
    EXPECT_NE(one[i].low, other[i].low);
  }
}

TEST(Differences, AModelAgainstItselfDiffersByNothing) {
  const auto a = random_words(50, 0.0);
  for (const Difference& one : differences(Kind::text, a, a, {100, 0})) {
    EXPECT_EQ(one.low, 0.0);
    EXPECT_EQ(one.high, 0.0);
    EXPECT_EQ(one.ours, one.theirs);
  }
}

// With weights of 1 the interval is near mean ± 1.96 standard errors of the mean difference. The
// quantile of 10,000 resamples has a standard error of sqrt(0.025 * 0.975 / 10,000) / 0.0584 =
// 0.027 of those; the bootstrap divides by n and not by n - 1, and the skew of the mean of 400 is
// below 0.02 of them. Four times the first and the rest make 0.15.
TEST(Differences, AgreesWithTheNormalTheory) {
  constexpr std::int64_t kItems = 400;
  const auto a = random_words(kItems, 0.0), b = random_words(kItems, 0.2);
  double sum = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < kItems; ++i) {
    const double d = (b[i].rows[0].log_likelihood - a[i].rows[0].log_likelihood) / std::log(2.0);
    sum += d, squares += d * d;
  }
  const double mean = sum / kItems;
  const double error = std::sqrt((squares / kItems - mean * mean) / (kItems - 1));
  const auto bits = differences(Kind::text, a, b, {10'000, 3}).front();
  EXPECT_NEAR(bits.ours - bits.theirs, mean, 1e-12);
  EXPECT_NEAR(bits.low, mean - 1.96 * error, 0.15 * error);
  EXPECT_NEAR(bits.high, mean + 1.96 * error, 0.15 * error);
}

// Unpaired, the shared part of the items (deviation 0.87) would drown the difference.
TEST(Differences, PairingRemovesWhatItemsShare) {
  const auto a = random_words(200, 0.0), b = random_words(200, 0.3);
  const auto bits = differences(Kind::text, b, a, {2000, 0}).front();
  const Metric alone = metric_of(Kind::text, "bits_per_byte", a);
  EXPECT_LT(bits.high - bits.low, 2 * 1.96 * std::sqrt(2.0) * alone.standard_error);
}

TEST(Differences, NeedTheSameItems) {
  const auto a = random_words(3, 0.0), b = random_words(4, 0.0);
  EXPECT_THROW(differences(Kind::text, a, b, {}), BadArgument);
  EXPECT_THROW(differences(Kind::text, {}, {}, {}), BadArgument);
}

}  // namespace
}  // namespace sinkwise::eval
