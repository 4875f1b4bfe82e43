#include "sinkwise/core/statistics.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

namespace sinkwise {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Statistics, SpreadDividesByOneLess) {
  EXPECT_DOUBLE_EQ(mean({1, 2, 6}), 3.0);
  EXPECT_DOUBLE_EQ(sample_deviation({1, 2, 6}), std::sqrt(7.0));  // (4 + 1 + 9) / 2
  EXPECT_TRUE(std::isnan(sample_deviation({1})));
  EXPECT_TRUE(std::isnan(mean({})));
}

TEST(Statistics, MedianIsTheMiddle) {
  EXPECT_DOUBLE_EQ(median({7, 1, 2}), 2.0);
  EXPECT_DOUBLE_EQ(median({4, kNan, 1, 2, 9}), 3.0);
  EXPECT_TRUE(std::isnan(median({kNan})));
}

TEST(Statistics, LeavesOutWhatWasNotMeasured) {
  EXPECT_DOUBLE_EQ(mean({1, kNan, 3}), 2.0);
  EXPECT_DOUBLE_EQ(sample_deviation({1, kNan, 3}), std::sqrt(2.0));
  EXPECT_EQ(extent({kNan, 3, 1}), std::pair(1.0, 3.0));
  EXPECT_TRUE(std::isnan(extent({kNan}).first));
}

// Ranks of x: 1 2 3 4 5, of y: 2 1 4 3 5; 1 - 6 * (1 + 1 + 1 + 1) / (5 * 24) = 0.8.
TEST(Spearman, HandExample) {
  EXPECT_NEAR(spearman({1, 2, 3, 4, 5}, {20, 10, 400, 30, 5000}), 0.8, 1e-12);
}

// Ranks of x: 1.5 1.5 3, of y: 1 2 3: covariance 1.5, variances 1.5 and 2.
TEST(Spearman, TiesShareTheirMeanRank) {
  EXPECT_NEAR(spearman({1, 1, 2}, {1, 2, 3}), 1.5 / std::sqrt(3.0), 1e-12);
}

TEST(Spearman, DependsOnOrderOnly) {
  EXPECT_NEAR(spearman({1, 2, 3}, {-1, -1e6, -1e12}), -1.0, 1e-12);
}

TEST(Spearman, SaysNothingWhereThereIsNothingToRank) {
  EXPECT_TRUE(std::isnan(spearman({1, 2}, {1, 2})));
  EXPECT_TRUE(std::isnan(spearman({1, 1, 1}, {1, 2, 3})));
  EXPECT_TRUE(std::isnan(spearman({}, {})));
  EXPECT_TRUE(std::isnan(spearman({1, 2, kNan}, {1, 2, 3})));
  EXPECT_NEAR(spearman({1, 2, 3, 4}, {1, kNan, 3, 4}), 1.0, 1e-12);
}

}  // namespace
}  // namespace sinkwise
