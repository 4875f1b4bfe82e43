#include "sinkwise/train/optimizer.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "unit/nn/tensors.h"

namespace sinkwise::train {
namespace {

using test::largest_difference;
using test::random_tensor;
using test::same_bits;

// arXiv 1711.05101, algorithm 2, in float64.
struct HandAdamW {
  AdamWConfig config;
  at::Tensor value, first, second;
  int steps = 0;

  HandAdamW(const AdamWConfig& settings, const at::Tensor& start)
      : config(settings),
        value(start.to(at::kDouble)),
        first(at::zeros_like(value)),
        second(at::zeros_like(value)) {}

  void step(const at::Tensor& gradient32, double lr) {
    const at::Tensor gradient = gradient32.to(at::kDouble);
    ++steps;
    first = config.beta1 * first + (1 - config.beta1) * gradient;
    second = config.beta2 * second + (1 - config.beta2) * gradient.square();
    const at::Tensor m = first / (1 - std::pow(config.beta1, steps));
    const at::Tensor v = second / (1 - std::pow(config.beta2, steps));
    const double decay = value.dim() >= 2 ? config.weight_decay : 0.0;
    value = value - lr * (m / (v.sqrt() + config.epsilon) + decay * value);
  }
};

struct Parameters {
  at::Tensor matrix = random_tensor({3, 4}, 1), vector = random_tensor({5}, 2);
  AdamW optimizer;

  explicit Parameters(const AdamWConfig& config = {})
      : optimizer({{"matrix", matrix}, {"vector", vector}}, config) {}
};

TEST(AdamW, EqualsTheAlgorithmWrittenByHand) {
  AdamWConfig config;
  config.beta1 = 0.8;
  config.beta2 = 0.9;
  config.weight_decay = 0.3;
  config.epsilon = 1e-3;  // large enough to be seen
  Parameters p(config);
  HandAdamW matrix(config, p.matrix), vector(config, p.vector);
  for (std::uint64_t n = 0; n < 5; ++n) {
    const double lr = 0.05 / static_cast<double>(n + 1);
    p.matrix.mutable_grad() = random_tensor({3, 4}, 10 + n);
    p.vector.mutable_grad() = random_tensor({5}, 20 + n);
    matrix.step(p.matrix.grad(), lr);
    vector.step(p.vector.grad(), lr);
    p.optimizer.step(lr);
    EXPECT_LT(largest_difference(p.matrix, matrix.value), 1e-6);
    EXPECT_LT(largest_difference(p.vector, vector.value), 1e-6);
  }
  const auto state = p.optimizer.named_state();
  ASSERT_EQ(state.size(), 4u);
  EXPECT_EQ(state[0].first, "matrix.first");
  EXPECT_EQ(state[3].first, "vector.second");
  EXPECT_LT(largest_difference(state[0].second, matrix.first), 1e-6);
  EXPECT_LT(largest_difference(state[3].second, vector.second), 1e-6);
  EXPECT_EQ(p.optimizer.steps(), 5);
}

TEST(AdamW, MatricesDecayAndVectorsDoNot) {
  AdamWConfig config;
  config.weight_decay = 0.5;
  Parameters p(config);
  const at::Tensor matrix = p.matrix.clone(), vector = p.vector.clone();
  p.optimizer.step(0.1);  // without gradients: as if they were 0
  EXPECT_LT(largest_difference(p.matrix, matrix * 0.95), 1e-6);
  EXPECT_TRUE(same_bits(p.vector, vector));
}

TEST(AdamW, GoesOnFromRestoredMomentsAndSteps) {
  Parameters whole, stopped;
  auto advance = [](Parameters& p, std::uint64_t n) {
    p.matrix.mutable_grad() = random_tensor({3, 4}, 30 + n);
    p.vector.mutable_grad() = random_tensor({5}, 40 + n);
    p.optimizer.step(1e-2);
  };
  for (std::uint64_t n = 0; n < 3; ++n) advance(whole, n), advance(stopped, n);
  Parameters resumed;
  resumed.matrix.copy_(stopped.matrix);
  resumed.vector.copy_(stopped.vector);
  const auto from = stopped.optimizer.named_state(), to = resumed.optimizer.named_state();
  for (std::size_t n = 0; n < from.size(); ++n) to[n].second.copy_(from[n].second);
  resumed.optimizer.set_steps(stopped.optimizer.steps());
  for (std::uint64_t n = 3; n < 6; ++n) advance(whole, n), advance(resumed, n);
  EXPECT_TRUE(same_bits(whole.matrix, resumed.matrix));
  EXPECT_TRUE(same_bits(whole.vector, resumed.vector));
}

TEST(AdamW, ClipsTheJointNormOfAllGradients) {
  Parameters p;
  p.matrix.mutable_grad() = at::full({3, 4}, 0.5f);  // squared norm 3
  p.vector.mutable_grad() = at::tensor({0.f, 1.f, 0.f, 0.f, 0.f});
  EXPECT_NEAR(p.optimizer.clip_gradients(0.0), 2.0, 1e-6);
  EXPECT_EQ(p.vector.grad()[1].item<float>(), 1.0f);
  EXPECT_NEAR(p.optimizer.clip_gradients(3.0), 2.0, 1e-6);
  EXPECT_EQ(p.vector.grad()[1].item<float>(), 1.0f);
  EXPECT_NEAR(p.optimizer.clip_gradients(0.5), 2.0, 1e-6);
  EXPECT_NEAR(p.vector.grad()[1].item<double>(), 0.25, 1e-6);
  EXPECT_NEAR(p.matrix.grad()[0][0].item<double>(), 0.125, 1e-6);
  p.optimizer.zero_gradients();
  EXPECT_EQ(p.optimizer.clip_gradients(1.0), 0.0);
}

TEST(AdamW, TheNormIsNotFiniteWhenOneGradientIsNot) {
  for (const float bad :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    Parameters p;
    p.matrix.mutable_grad() = at::ones({3, 4});
    p.vector.mutable_grad() = at::full({5}, bad);
    EXPECT_FALSE(std::isfinite(p.optimizer.clip_gradients(1.0)));
  }
}

}  // namespace
}  // namespace sinkwise::train
