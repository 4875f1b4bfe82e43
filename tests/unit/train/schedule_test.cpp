#include "sinkwise/train/schedule.h"

#include <cmath>
#include <gtest/gtest.h>

namespace sinkwise::train {
namespace {

constexpr ScheduleKind kKinds[] = {ScheduleKind::cosine, ScheduleKind::warmup_stable_decay,
                                   ScheduleKind::constant};

TEST(Schedule, WarmUpIsLinearAndReachesThePeakAtItsLastStep) {
  for (const ScheduleKind kind : kKinds) {
    const ScheduleConfig config{kind, 10, 0.1, 0.2};
    EXPECT_DOUBLE_EQ(learning_rate_fraction(config, 1, 100), 0.1);
    EXPECT_DOUBLE_EQ(learning_rate_fraction(config, 5, 100), 0.5);
    EXPECT_DOUBLE_EQ(learning_rate_fraction(config, 10, 100), 1.0);
    EXPECT_LE(learning_rate_fraction(config, 11, 100), 1.0);
  }
}

TEST(Schedule, WithoutWarmUpTheFirstStepIsNearThePeak) {
  for (const ScheduleKind kind : kKinds) {
    const double first = learning_rate_fraction({kind, 0, 0.1, 0.2}, 1, 1000);
    EXPECT_NEAR(first, 1.0, 1e-4);
  }
}

TEST(Schedule, CosineFallsHalfWayInTheMiddle) {
  const ScheduleConfig config{ScheduleKind::cosine, 20, 0.1, 0.2};
  EXPECT_NEAR(learning_rate_fraction(config, 60, 100), 0.55, 1e-12);
  EXPECT_NEAR(learning_rate_fraction(config, 40, 100), 0.1 + 0.45 * (1 + std::sqrt(0.5)), 1e-12);
  EXPECT_NEAR(learning_rate_fraction(config, 100, 100), 0.1, 1e-12);
}

TEST(Schedule, StableUntilTheDecayThenLinear) {
  const ScheduleConfig config{ScheduleKind::warmup_stable_decay, 10, 0.2, 0.4};
  for (const int step : {10, 30, 60}) EXPECT_EQ(learning_rate_fraction(config, step, 100), 1.0);
  EXPECT_NEAR(learning_rate_fraction(config, 70, 100), 0.8, 1e-12);
  EXPECT_NEAR(learning_rate_fraction(config, 80, 100), 0.6, 1e-12);
  EXPECT_NEAR(learning_rate_fraction(config, 100, 100), 0.2, 1e-12);
  // A decay longer than what warm-up leaves starts right after it.
  const ScheduleConfig longer{ScheduleKind::warmup_stable_decay, 50, 0.0, 0.9};
  EXPECT_NEAR(learning_rate_fraction(longer, 75, 100), 0.5, 1e-12);
}

TEST(Schedule, ADecayOfNothingIsAJumpAtTheEnd) {
  const ScheduleConfig config{ScheduleKind::warmup_stable_decay, 10, 0.2, 0.0};
  EXPECT_EQ(learning_rate_fraction(config, 11, 100), 1.0);
  EXPECT_EQ(learning_rate_fraction(config, 99, 100), 1.0);
  EXPECT_NEAR(learning_rate_fraction(config, 100, 100), 0.2, 1e-12);
}

TEST(Schedule, ConstantStays) {
  const ScheduleConfig config{ScheduleKind::constant, 5, 0.1, 0.2};
  for (const int step : {5, 50, 100}) EXPECT_EQ(learning_rate_fraction(config, step, 100), 1.0);
}

TEST(Schedule, NeverJumpsAndNeverLeavesItsBounds) {
  for (const ScheduleKind kind : kKinds) {
    for (const int warmup : {0, 1, 40, 1000}) {
      const ScheduleConfig config{kind, warmup, 0.1, 0.2};
      double last = learning_rate_fraction(config, 1, 1000);
      for (int step = 2; step <= 1000; ++step) {
        const double fraction = learning_rate_fraction(config, step, 1000);
        EXPECT_GT(fraction, 0.0);
        EXPECT_LE(fraction, 1.0);
        EXPECT_LE(std::abs(fraction - last), 0.0251) << step;  // warm-up of 40 steps is steepest
        last = fraction;
      }
      if (kind != ScheduleKind::constant && warmup < 1000) {
        EXPECT_NEAR(last, 0.1, 1e-12);
      }
    }
  }
}

TEST(Schedule, OneStepIsEnough) {
  for (const ScheduleKind kind : kKinds) {
    EXPECT_EQ(learning_rate_fraction({kind, 1, 0.1, 0.2}, 1, 1), 1.0);
  }
}

}  // namespace
}  // namespace sinkwise::train
