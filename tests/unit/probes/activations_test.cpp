#include "sinkwise/probes/activations.h"

#include <gtest/gtest.h>

#include <torch/torch.h>

namespace sinkwise::probes {
namespace {

TEST(Activations, EqualChannelsHaveKurtosisOne) {
  ActivationProbe probe;
  probe.add(at::ones({2, 5, 8}));
  EXPECT_NEAR(probe.result().kurtosis, 1.0, 1e-12);
  EXPECT_NEAR(probe.result().max_to_median, 1.0, 1e-12);
  EXPECT_NEAR(probe.result().first_to_others, 1.0, 1e-6);
}

// One channel has everything: its square stands against the mean of `width` numbers.
TEST(Activations, OneChannelHasTheNumberOfChannels) {
  at::Tensor x = at::zeros({1, 4, 16});
  x.select(2, 3).fill_(2.0);
  ActivationProbe probe;
  probe.add(x);
  EXPECT_NEAR(probe.result().kurtosis, 16.0, 1e-9);
}

TEST(Activations, TheWorstWindowCounts) {
  at::Tensor x = at::ones({2, 3, 5});
  x[1][0][2] = -40.0;
  ActivationProbe probe;
  probe.add(x);
  EXPECT_NEAR(probe.result().max_to_median, 40.0, 1e-6);
  EXPECT_GT(probe.result().first_to_others, 5.0);
}

}  // namespace
}  // namespace sinkwise::probes
