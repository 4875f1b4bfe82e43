#include "sinkwise/compare/statistics.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

namespace sinkwise::compare {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Figure, LeavesOutWhatWasNotMeasured) {
  const Figure figure = figure_of({kNan, 4});
  EXPECT_EQ(measured(figure), 1);
  EXPECT_DOUBLE_EQ(figure.mean, 4.0);
  EXPECT_TRUE(std::isnan(figure.spread));
}

TEST(Effect, NeedsMoreThanItsSpread) {
  EXPECT_EQ(effect_of(figure_of({-3, -2, -1})), Effect::lower);  // mean 2, spread 1
  EXPECT_EQ(effect_of(figure_of({3, 2, 1})), Effect::higher);
  EXPECT_EQ(effect_of(figure_of({-1, 0, 1})), Effect::none);
  EXPECT_EQ(effect_of(figure_of({0, 1, 2})), Effect::none);  // mean equals spread
  EXPECT_EQ(effect_of(figure_of({0, 0, 0})), Effect::none);
  EXPECT_EQ(effect_of(figure_of({5})), Effect::unclear);
  EXPECT_EQ(effect_of(figure_of({})), Effect::unclear);
  EXPECT_EQ(effect_of(figure_of({5, 5.1})), Effect::unclear);
  EXPECT_EQ(effect_of(figure_of({5, 5.1, kNan})), Effect::unclear);
}

// With three seeds two standard errors are 1.155 spreads: a mean of 1.1 spreads is none yet.
TEST(Effect, NeedsTwoStandardErrors) {
  EXPECT_EQ(effect_of(figure_of({0.1, 1.1, 2.1})), Effect::none);
  EXPECT_EQ(effect_of(figure_of({0.2, 1.2, 2.2})), Effect::higher);
}

}  // namespace
}  // namespace sinkwise::compare
