#include "sinkwise/data/trigger_average.h"

#include <cmath>
#include <gtest/gtest.h>

#include "batches.h"
#include "sinkwise/core/error.h"

namespace sinkwise::data::test {
namespace {

TEST(TriggerAverage, KeepsTheContractOfATask) {
  expect_task_contract(TriggerAverage(), TriggerAverage(), TriggerAverage({.seed = 1}));
  EXPECT_EQ(TriggerAverage().feature_size(), 18);
  EXPECT_EQ(TriggerAverage().vocabulary(), 0);
}

// Rederives flags, groups and targets from the features alone.
TEST(TriggerAverage, EveryRowFollowsTheRule) {
  for (const auto& options :
       {TriggerAverageOptions{}, TriggerAverageOptions{.features = 3, .length = 3},
        TriggerAverageOptions{.features = 5, .length = 9, .trigger_probability = 0.9}}) {
    const Batch batch = TriggerAverage(options).train_batch(0, 0, 100);
    const auto width = static_cast<std::size_t>(options.features);
    for (std::int64_t b = 0; b < batch.rows; ++b) {
      std::vector<double> sum(width, 0.0);
      double count = 0.0;
      for (std::int64_t t = 0; t < batch.length; ++t) {
        const auto i = static_cast<std::size_t>(b * batch.length + t);
        const float* x = batch.features.data() + i * width;
        const float* y = batch.regression.data() + i * width;
        const bool trigger = x[width - 2] == 1.0f;
        ASSERT_EQ(x[width - 1], t == 0 ? 1.0f : 0.0f);
        ASSERT_TRUE(trigger || x[width - 2] == 0.0f);
        ASSERT_EQ(batch.oracle[i], 0.0f);
        ASSERT_FALSE(t < 2 && trigger);
        const auto group = trigger ? TriggerAverage::kTrigger : TriggerAverage::kOther;
        ASSERT_EQ(batch.group[i], t == 0 ? Batch::kNoGroup : group);
        for (std::size_t c = 0; c < width; ++c) {
          const bool content = c + 2 < width;
          ASSERT_NEAR(y[c], trigger && content ? sum[c] / count : 0.0, 1e-6);
          ASSERT_FALSE(t == 0 && content && x[c] != 0.0f);
        }
        if (trigger || t == 0) continue;
        for (std::size_t c = 0; c + 2 < width; ++c) sum[c] += x[c];
        count += 1.0;
      }
    }
  }
}

TEST(TriggerAverage, ShareOfTriggersAndMomentsOfTheContent) {
  const Batch batch = TriggerAverage().train_batch(0, 0, 2000);
  double triggers = 0.0;
  for (std::uint8_t group : batch.group) triggers += group == TriggerAverage::kTrigger ? 1.0 : 0.0;
  EXPECT_NEAR(triggers / (2000.0 * 30.0), 0.2, 0.01);
  double sum = 0.0;
  double squares = 0.0;
  double count = 0.0;
  for (std::size_t i = 0; i < batch.group.size(); ++i) {
    if (batch.group[i] == Batch::kNoGroup) continue;
    for (std::size_t c = 0; c < 16; ++c) {
      const double x = batch.features[i * 18 + c];
      sum += x;
      squares += x * x;
      count += 1.0;
    }
  }
  EXPECT_NEAR(sum / count, 0.0, 0.01);
  EXPECT_NEAR(squares / count, 1.0, 0.01);
}

TEST(TriggerAverage, RefusesOptionsOutOfRange) {
  for (const TriggerAverageOptions& options :
       {TriggerAverageOptions{.features = 2}, TriggerAverageOptions{.length = 2},
        TriggerAverageOptions{.trigger_probability = 0.0},
        TriggerAverageOptions{.trigger_probability = 1.0},
        TriggerAverageOptions{.trigger_probability = std::nan("")},
        TriggerAverageOptions{.validation_rows = 0}}) {
    EXPECT_THROW(TriggerAverage{options}, BadConfig);
  }
}

}  // namespace
}  // namespace sinkwise::data::test
