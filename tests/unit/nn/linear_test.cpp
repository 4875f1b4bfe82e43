#include "sinkwise/nn/linear.h"

#include <cmath>
#include <gtest/gtest.h>

#include "sinkwise/core/error.h"
#include "sinkwise/nn/mlp.h"
#include "sinkwise/nn/norm.h"
#include "unit/nn/tensors.h"

namespace sinkwise::nn {
namespace {

using test::largest_difference;
using test::random_tensor;

TEST(Linear, MultipliesByTheTransposedWeightAndAddsTheBias) {
  torch::NoGradGuard no_grad;
  Linear layer(2, 3, true);
  layer.weight.copy_(at::tensor({1., 2., 3., 4., 5., 6.}).view({3, 2}));
  layer.bias.copy_(at::tensor({0.5, 0., -1.}));
  const at::Tensor y = layer.forward(at::tensor({10.f, 1.f}).view({1, 2}));
  EXPECT_LT(largest_difference(y, at::tensor({12.5, 34., 55.}).view({1, 3})), 1e-6);
  EXPECT_FALSE(Linear(2, 3).bias.defined());
}

TEST(Linear, LowPrecisionActivationsGiveFloat32Gradients) {
  Linear layer(16, 8, true);
  test::randomise(layer, 1);
  const at::Tensor x = random_tensor({4, 16}, 2);
  layer.forward(x).square().sum().backward();
  const at::Tensor exact_weight = layer.weight.grad().clone(), exact_bias = layer.bias.grad();
  layer.weight.mutable_grad().reset();
  layer.bias.mutable_grad().reset();

  const at::Tensor y = layer.forward(x.to(at::kBFloat16));
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_EQ(layer.weight.scalar_type(), at::kFloat);
  y.to(at::kFloat).square().sum().backward();
  EXPECT_EQ(layer.weight.grad().scalar_type(), at::kFloat);
  EXPECT_EQ(layer.bias.grad().scalar_type(), at::kFloat);
  // bfloat16 keeps 8 bits: a few products of relative error 2^-8 each.
  const double size = exact_weight.abs().max().item<double>();
  EXPECT_LT(largest_difference(layer.weight.grad(), exact_weight), 0.03 * size);
  EXPECT_GT(largest_difference(layer.weight.grad(), exact_weight), 0.0);
}

TEST(Linear, ACorrectionOfLowRankStartsAtNothingAndAddsItsProduct) {
  Linear layer(6, 4, true);
  test::randomise(layer, 1);
  const at::Tensor x = random_tensor({3, 6}, 2), before = layer.forward(x);
  layer.weight.set_requires_grad(false);
  layer.add_low_rank(2, 1.5, at::make_generator<at::CPUGeneratorImpl>(7));
  EXPECT_TRUE(test::same_bits(layer.forward(x), before));
  EXPECT_LE(layer.lora_a.abs().max().item<double>(), 1.0 / std::sqrt(6.0));
  EXPECT_GT(layer.lora_a.abs().min().item<double>(), 0.0);
  torch::NoGradGuard no_grad;
  layer.lora_b.copy_(random_tensor({4, 2}, 3));
  const at::Tensor whole = layer.weight + 1.5 * layer.lora_b.matmul(layer.lora_a);
  EXPECT_LT(largest_difference(layer.merged_weight(), whole), 1e-6);
  EXPECT_LT(largest_difference(layer.forward(x), x.matmul(whole.t()) + layer.bias), 1e-5);
  EXPECT_THROW(layer.add_low_rank(2, 1.0, at::make_generator<at::CPUGeneratorImpl>(7)),
               BadArgument);
}

TEST(Norm, FollowsItsFormula) {
  torch::NoGradGuard no_grad;
  Norm norm(2);
  norm.weight.copy_(at::tensor({2.f, -1.f}));
  // mean(3^2, 4^2) = 12.5
  const at::Tensor y = norm.forward(at::tensor({3.f, 4.f}).view({1, 1, 2}));
  EXPECT_NEAR(y[0][0][0].item<double>(), 6.0 / std::sqrt(12.5), 1e-6);
  EXPECT_NEAR(y[0][0][1].item<double>(), -4.0 / std::sqrt(12.5), 1e-6);
}

TEST(Norm, EpsilonBoundsTinyInputs) {
  torch::NoGradGuard no_grad;
  Norm norm(4);
  EXPECT_EQ(norm.forward(at::zeros({1, 4})).abs().max().item<double>(), 0.0);
  // x^2 = 1e-8 is small beside epsilon: 1e-4 / sqrt(1e-8 + 1e-6).
  const double y = norm.forward(at::full({1, 4}, 1e-4f))[0][0].item<double>();
  EXPECT_NEAR(y, 1e-4 / std::sqrt(1.01e-6), 1e-6);
}

TEST(Norm, FormsTheMeanInFloat32) {
  torch::NoGradGuard no_grad;
  // A bfloat16 sum of ones stops at 256: the mean would be 1/16 and the result 4.
  const Norm norm(4096);
  const at::Tensor y = norm.forward(at::ones({1, 4096}, at::kBFloat16));
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_NEAR(y.min().item<double>(), 1.0, 0.01);
  EXPECT_NEAR(y.max().item<double>(), 1.0, 0.01);
}

TEST(Mlp, BothKindsFollowTheirFormulas) {
  torch::NoGradGuard no_grad;
  for (const MlpKind kind : {MlpKind::swiglu, MlpKind::gelu}) {
    Mlp mlp(kind, 3, 5);
    test::randomise(mlp, 3, 1.0);
    const auto weights = mlp.named_parameters();
    const at::Tensor x = random_tensor({2, 3}, 4, at::kDouble);
    const at::Tensor up = x.matmul(weights["up_proj.weight"].to(at::kDouble).t());
    at::Tensor hidden = up * 0.5 * (1.0 + (up / std::sqrt(2.0)).erf());
    if (kind == MlpKind::swiglu) {
      const at::Tensor gate = x.matmul(weights["gate_proj.weight"].to(at::kDouble).t());
      hidden = gate / (1.0 + (-gate).exp()) * up;
    }
    const at::Tensor expected = hidden.matmul(weights["down_proj.weight"].to(at::kDouble).t());
    EXPECT_EQ(weights.size(), kind == MlpKind::swiglu ? 3u : 2u);
    EXPECT_LT(largest_difference(mlp.forward(x), expected), 1e-12);
  }
}

}  // namespace
}  // namespace sinkwise::nn
