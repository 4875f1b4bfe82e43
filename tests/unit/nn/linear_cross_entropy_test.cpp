#include "sinkwise/nn/linear_cross_entropy.h"

#include <gtest/gtest.h>

#include "unit/nn/tensors.h"

namespace sinkwise::nn {
namespace {

using test::largest_difference;
using test::random_tensor;

struct Case {
  // More rows than one slice holds, and every seventh not asked for.
  at::Tensor x = random_tensor({300, 8}, 1, at::kDouble).requires_grad_();
  at::Tensor weight = random_tensor({31, 8}, 2, at::kDouble);
  at::Tensor targets = test::random_tokens({300}, 31, 3);
  at::Tensor upstream = random_tensor({300}, 4, at::kDouble);

  Case() { targets.slice(0, 0, 300, 7).fill_(-100); }

  at::Tensor expected() const {
    return at::cross_entropy_loss(x.matmul(weight.t()), targets, {}, at::Reduction::None, -100);
  }
};

// float64 on both sides: sums of 31 terms near 1.
constexpr double kTolerance = 1e-12;

TEST(LinearCrossEntropy, EqualsTheLossOfTheWholeLogits) {
  const Case c;
  EXPECT_LT(largest_difference(linear_cross_entropy(c.x, c.weight, c.targets), c.expected()),
            kTolerance);
}

TEST(LinearCrossEntropy, GradientsWithAFrozenAndATrainedMatrix) {
  for (const bool trained : {false, true}) {
    const Case c;
    at::Tensor weight = c.weight.clone().set_requires_grad(trained);
    const at::Tensor losses = linear_cross_entropy(c.x, weight, c.targets);
    torch::autograd::backward({losses}, {c.upstream});
    Case oracle;
    oracle.weight = c.weight.clone().set_requires_grad(trained);
    torch::autograd::backward({oracle.expected()}, {c.upstream});
    EXPECT_LT(largest_difference(c.x.grad(), oracle.x.grad()), kTolerance);
    if (trained) {
      EXPECT_LT(largest_difference(weight.grad(), oracle.weight.grad()), 300 * kTolerance);
    }
  }
}

TEST(LinearCrossEntropy, NothingAskedGivesZeros) {
  const Case c;
  const at::Tensor losses = linear_cross_entropy(c.x, c.weight, at::full_like(c.targets, -100));
  EXPECT_EQ(losses.abs().max().item<double>(), 0.0);
}

}  // namespace
}  // namespace sinkwise::nn
