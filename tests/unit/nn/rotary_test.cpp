#include "sinkwise/nn/rotary.h"

#include <cmath>
#include <complex>
#include <gtest/gtest.h>

#include "unit/nn/tensors.h"

namespace sinkwise::nn {
namespace {

using test::largest_difference;
using test::random_tensor;
using test::same_bits;

// Channel pair (i, i + D/2) as one complex number, turned by position * base^(-2i/D).
at::Tensor rotate_as_complex_numbers(const at::Tensor& x, double base) {
  const auto D = x.size(3), half = D / 2;
  at::Tensor result = at::zeros_like(x);
  const auto in = x.accessor<double, 4>();
  auto out = result.accessor<double, 4>();
  for (std::int64_t b = 0; b < x.size(0); ++b) {
    for (std::int64_t t = 0; t < x.size(1); ++t) {
      for (std::int64_t h = 0; h < x.size(2); ++h) {
        for (std::int64_t i = 0; i < half; ++i) {
          const double frequency = std::pow(base, -2.0 * static_cast<double>(i) / double(D));
          const std::complex<double> turn = std::polar(1.0, static_cast<double>(t) * frequency);
          const std::complex<double> turned =
              std::complex<double>(in[b][t][h][i], in[b][t][h][i + half]) * turn;
          out[b][t][h][i] = turned.real();
          out[b][t][h][i + half] = turned.imag();
        }
      }
    }
  }
  return result;
}

TEST(Rotary, TurnsPairsLikeComplexNumbers) {
  for (const double base : {100.0, 10000.0, 500000.0}) {
    const at::Tensor x = random_tensor({2, 37, 3, 10}, 1, at::kDouble);
    const RotaryTable table = RotaryTable::make(50, 10, base);  // longer than the input
    // Cosines are float32: half a unit in their last place, twice, times |x| below 5.
    EXPECT_LT(largest_difference(rotate(x, table), rotate_as_complex_numbers(x, base)), 1e-6);
  }
}

TEST(Rotary, LeavesPositionZeroAndAllNormsAlone) {
  const at::Tensor x = random_tensor({1, 9, 2, 8}, 2);
  const at::Tensor y = rotate(x, RotaryTable::make(9, 8, 10000.0));
  EXPECT_TRUE(same_bits(y.select(1, 0), x.select(1, 0)));
  EXPECT_LT(largest_difference(y.norm(2, -1), x.norm(2, -1)), 1e-5);
  EXPECT_GT(largest_difference(y.select(1, 8), x.select(1, 8)), 0.1);
}

TEST(Rotary, ScoresDependOnTheDistanceOnly) {
  // One query and one key vector at every position: the score matrix must be Toeplitz.
  const std::int64_t T = 24;
  const RotaryTable table = RotaryTable::make(T, 8, 10000.0);
  const at::Tensor query = random_tensor({1, 1, 1, 8}, 3, at::kDouble).expand({1, T, 1, 8});
  const at::Tensor key = random_tensor({1, 1, 1, 8}, 4, at::kDouble).expand({1, T, 1, 8});
  const at::Tensor scores =
      at::matmul(rotate(query, table).view({T, 8}), rotate(key, table).view({T, 8}).t());  // [T, T]
  for (std::int64_t distance = 0; distance < T; ++distance) {
    const at::Tensor diagonal = scores.diagonal(-distance);
    EXPECT_LT(largest_difference(diagonal, diagonal[0].expand_as(diagonal)), 1e-6) << distance;
  }
  EXPECT_GT(largest_difference(scores[0][0], scores[5][0]), 0.01);
}

TEST(Rotary, AnglesKeepTheirDigitsAtLongContexts) {
  // In float32 the angle 100000 itself would be off by up to 0.004.
  const std::int64_t last = 100000;
  const RotaryTable table = RotaryTable::make(last + 1, 4, 10000.0);
  const double angles[] = {1e5, 1e3};
  for (int i = 0; i < 2; ++i) {
    EXPECT_NEAR(table.cosine[last][i].item<double>(), std::cos(angles[i]), 1e-7);
    EXPECT_NEAR(table.sine[last][i].item<double>(), std::sin(angles[i]), 1e-7);
  }
}

}  // namespace
}  // namespace sinkwise::nn
