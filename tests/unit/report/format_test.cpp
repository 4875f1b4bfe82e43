#include "sinkwise/report/format.h"

#include <gtest/gtest.h>
#include <limits>

namespace sinkwise::report {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Format, FixedUsesATrueMinusAndNoNegativeZero) {
  EXPECT_EQ(fixed(1.005, 1), "1.0");
  EXPECT_EQ(fixed(-1.25, 2), "\u22121.25");
  EXPECT_EQ(fixed(-0.0004, 3), "0.000");
  EXPECT_EQ(fixed(kNan, 3), kMissing);
  EXPECT_EQ(fixed(-std::numeric_limits<double>::infinity(), 3), kMissing);
}

TEST(Format, DifferencesCarryTheirSign) {
  EXPECT_EQ(with_sign(0.25, 2), "+0.25");
  EXPECT_EQ(with_sign(-0.25, 2), "\u22120.25");
  EXPECT_EQ(with_sign(0.0001, 2), "0.00");
}

TEST(Format, SpreadIsLeftOutWhereThereIsNone) {
  EXPECT_EQ(plus_minus(0.5, 0.25, 2), "0.50 \u00b1 0.25");
  EXPECT_EQ(plus_minus(0.5, kNan, 2), "0.50");
  EXPECT_EQ(plus_minus(kNan, kNan, 2), kMissing);
}

TEST(Format, SignificantFitsAnySize) {
  EXPECT_EQ(significant(123456.0), "1.235e+05");
  EXPECT_EQ(significant(0.000123456), "0.0001235");
  EXPECT_EQ(significant(400), "400");
}

}  // namespace
}  // namespace sinkwise::report
