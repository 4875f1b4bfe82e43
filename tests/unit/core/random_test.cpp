#include "sinkwise/core/random.h"

#include <cmath>
#include <gtest/gtest.h>
#include <set>
#include <vector>

namespace sinkwise {
namespace {

using Words = std::array<std::uint32_t, 4>;

TEST(Philox, KnownAnswers) {  // of Random123, kat_vectors
  EXPECT_EQ(philox4x32({0, 0}, {0, 0, 0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0xa4093822, 0x299f31d0}, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, SamePathSameNumbersAndOtherPathsOthers) {
  const auto first = [](std::uint64_t seed, std::initializer_list<std::uint64_t> path) {
    RandomStream stream(seed, path);
    const std::uint64_t high = stream.bits();
    return (high << 32) | stream.bits();
  };
  EXPECT_EQ(first(1, {2, 3}), first(1, {2, 3}));
  std::set<std::uint64_t> seen;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (std::uint64_t a = 0; a < 30; ++a) {
      for (std::uint64_t b = 0; b < 30; ++b) seen.insert(first(seed, {a, b}));
    }
  }
  EXPECT_EQ(seen.size(), 9000u);
  EXPECT_NE(first(1, {2}), first(1, {2, 0}));
  EXPECT_NE(first(1, {2, 3}), first(1, {3, 2}));
  EXPECT_NE(first(1, {}), first(2, {}));
}

TEST(RandomStream, ACopyGoesOnAlone) {
  RandomStream stream(5, {1});
  for (int i = 0; i < 7; ++i) stream.bits();
  RandomStream copy = stream;
  for (int i = 0; i < 100; ++i) ASSERT_EQ(stream.bits(), copy.bits());
}

TEST(DeriveSeed, DependsOnEveryPart) {
  EXPECT_NE(derive_seed(1, {1}), derive_seed(1, {2}));
  EXPECT_NE(derive_seed(1, {1}), derive_seed(2, {1}));
  EXPECT_NE(derive_seed(1, {2}), derive_seed(2, {1}));
  EXPECT_NE(derive_seed(1, {1}), derive_seed(2, {2}));
  EXPECT_NE(derive_seed(1, "init"), derive_seed(1, "inti"));
  EXPECT_EQ(derive_seed(1, "init"), derive_seed(1, "init"));
}

TEST(RandomStream, UniformFillsTheUnitInterval) {
  RandomStream stream(3, {});
  std::vector<int> histogram(10);
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) {
    const double u = stream.uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    ++histogram[static_cast<std::size_t>(u * 10)];
  }
  // Standard deviation of a cell: sqrt(n p (1 - p)) = 95; five of them.
  for (const int count : histogram) EXPECT_NEAR(count, kDraws / 10, 475);
}

TEST(RandomStream, BelowIsUnbiased) {
  RandomStream stream(4, {});
  std::vector<int> histogram(7);
  constexpr int kDraws = 140000;
  for (int i = 0; i < kDraws; ++i) ++histogram[stream.below(7)];
  double chi_square = 0;
  for (const int count : histogram) {
    const double expected = kDraws / 7.0;
    chi_square += (count - expected) * (count - expected) / expected;
  }
  EXPECT_LT(chi_square, 27.9);  // 6 degrees of freedom, p = 1e-4

  // With `value % bound` of 64 bits alone, two thirds of these would fall below 2^63.
  constexpr std::uint64_t kBound = 3ull << 62;
  int low = 0;
  for (int i = 0; i < 30000; ++i) {
    const std::uint64_t value = stream.below(kBound);
    ASSERT_LT(value, kBound);
    low += value < kBound / 3 ? 1 : 0;
  }
  EXPECT_NEAR(low, 10000, 5 * std::sqrt(30000 * 2.0 / 9.0));
}

TEST(RandomStream, BelowTheExtremes) {
  RandomStream stream(4, {1});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(stream.below(1), 0u);
  bool large = false;
  for (int i = 0; i < 100; ++i) large = large || stream.below(UINT64_MAX) > (UINT64_MAX >> 1);
  EXPECT_TRUE(large);
}

struct Moments {
  double mean = 0, variance = 0, skewness = 0, kurtosis = 0;
};

template <typename Draw>
Moments moments(int count, const Draw& draw) {
  std::vector<double> values(static_cast<std::size_t>(count));
  Moments m;
  for (double& value : values) m.mean += (value = draw()) / count;
  double third = 0, fourth = 0;
  for (const double value : values) {
    const double d = value - m.mean;
    m.variance += d * d / count;
    third += d * d * d / count;
    fourth += d * d * d * d / count;
  }
  m.skewness = third / std::pow(m.variance, 1.5);
  m.kurtosis = fourth / (m.variance * m.variance);
  return m;
}

TEST(RandomStream, NormalMoments) {
  RandomStream stream(6, {});
  constexpr int kDraws = 200000;
  const Moments m = moments(kDraws, [&] { return stream.normal(); });
  const double unit = 1 / std::sqrt(kDraws);  // limits are five standard errors
  EXPECT_NEAR(m.mean, 0, 5 * unit);
  EXPECT_NEAR(m.variance, 1, 5 * std::sqrt(2.0) * unit);
  EXPECT_NEAR(m.skewness, 0, 5 * std::sqrt(6.0) * unit);
  EXPECT_NEAR(m.kurtosis, 3, 5 * std::sqrt(24.0) * unit);
}

class Gamma : public testing::TestWithParam<double> {};

TEST_P(Gamma, Moments) {
  const double shape = GetParam();
  RandomStream stream(8, {static_cast<std::uint64_t>(shape * 100)});
  constexpr int kDraws = 200000;
  const Moments m = moments(kDraws, [&] {
    const double value = stream.gamma(shape);
    EXPECT_GE(value, 0.0);
    return value;
  });
  const double unit = 1 / std::sqrt(kDraws);
  EXPECT_NEAR(m.mean, shape, 5 * std::sqrt(shape) * unit);
  // Variance of the sample variance: (kurtosis - 1) variance^2 / n, kurtosis 3 + 6 / shape.
  EXPECT_NEAR(m.variance, shape, 5 * shape * std::sqrt(2 + 6 / shape) * unit);
  EXPECT_NEAR(m.skewness, 2 / std::sqrt(shape), 0.2 * (2 / std::sqrt(shape)));
}

INSTANTIATE_TEST_SUITE_P(Shapes, Gamma, testing::Values(0.1, 0.5, 1.0, 2.5, 30.0));

}  // namespace
}  // namespace sinkwise
