#include "sinkwise/pretrained/sampling.h"

#include <array>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

#include "sinkwise/core/error.h"

namespace sinkwise::pretrained {
namespace {

// Logits whose softmax is 0.1, 0.4, 0.2, 0.3, up to a constant that softmax does not see.
const std::vector<double> kShares = {0.1, 0.4, 0.2, 0.3};

std::vector<float> logits() {
  std::vector<float> result;
  for (const double share : kShares) result.push_back(static_cast<float>(std::log(share) + 7.0));
  return result;
}

constexpr int kDraws = 20000;

std::vector<double> frequencies(const SamplingOptions& options) {
  std::vector<double> counts(kShares.size());
  RandomStream random(3, {1});
  for (int n = 0; n < kDraws; ++n) counts[sample(logits(), options, random)] += 1.0 / kDraws;
  return counts;
}

// Within five standard deviations of a binomial share, the largest of which is 0.5 / sqrt(draws):
// the seed is fixed, so this passes always or never.
void expect_shares(const SamplingOptions& options, const std::vector<double>& expected) {
  const std::vector<double> found = frequencies(options);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] == 0.0) {
      EXPECT_EQ(found[i], 0.0) << i;
    } else {
      EXPECT_NEAR(found[i], expected[i], 5 * 0.5 / std::sqrt(kDraws)) << i;
    }
  }
}

TEST(Sampling, WithoutTemperatureTheLargestAndOfEqualsTheFirst) {
  RandomStream random(0, {}), untouched(0, {});
  EXPECT_EQ(sample(logits(), {}, random), 1U);
  EXPECT_EQ(sample(std::array{-3.0F, 2.0F, 2.0F, 1.0F}, {}, random), 1U);
  EXPECT_EQ(random.bits(), untouched.bits());
}

TEST(Sampling, TemperatureOneDrawsByTheSoftmax) {
  expect_shares({.temperature = 1.0}, {0.1, 0.4, 0.2, 0.3});
}

// Shares to the power of 1 / temperature, normalised.
TEST(Sampling, TemperatureSharpens) {
  expect_shares({.temperature = 0.5}, {0.01 / 0.3, 0.16 / 0.3, 0.04 / 0.3, 0.09 / 0.3});
}

TEST(Sampling, TopKKeepsTheLargest) {
  expect_shares({.temperature = 1.0, .top_k = 2}, {0.0, 4.0 / 7, 0.0, 3.0 / 7});
  expect_shares({.temperature = 1.0, .top_k = 9}, {0.1, 0.4, 0.2, 0.3});
}

// 0.4 + 0.3 is the first sum that reaches 0.5; nothing below 0.4 needs a second token.
TEST(Sampling, TopPKeepsTheFewestThatHoldTheShare) {
  expect_shares({.temperature = 1.0, .top_p = 0.5}, {0.0, 4.0 / 7, 0.0, 3.0 / 7});
  expect_shares({.temperature = 1.0, .top_p = 0.3}, {0.0, 1.0, 0.0, 0.0});
  expect_shares({.temperature = 1.0, .top_p = 1e-300}, {0.0, 1.0, 0.0, 0.0});
}

// Of the two that top_k keeps the larger holds 4/7, more than a half.
TEST(Sampling, TopPIsAShareOfWhatTopKKeeps) {
  expect_shares({.temperature = 1.0, .top_k = 2, .top_p = 0.5}, {0.0, 1.0, 0.0, 0.0});
}

TEST(Sampling, ExtremesOfTheTemperature) {
  RandomStream random(0, {});
  EXPECT_EQ(sample(logits(), {.temperature = 1e-300}, random), 1U);
  expect_shares({.temperature = 1e300}, {0.25, 0.25, 0.25, 0.25});
}

TEST(Sampling, RefusesWhatIsOutOfRange) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const SamplingOptions& options :
       {SamplingOptions{.temperature = -0.1}, SamplingOptions{.temperature = nan},
        SamplingOptions{.temperature = infinity}, SamplingOptions{.top_k = -1},
        SamplingOptions{.top_p = 0.0}, SamplingOptions{.top_p = 1.1},
        SamplingOptions{.top_p = nan}}) {
    EXPECT_THROW(check(options), BadArgument);
  }
  RandomStream random(0, {});
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
    EXPECT_THROW(sample(std::array{0.0F, bad}, {}, random), BadFile);
  }
}

}  // namespace
}  // namespace sinkwise::pretrained
