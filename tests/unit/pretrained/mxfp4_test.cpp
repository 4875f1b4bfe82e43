#include "mxfp4.h"

#include <cmath>
#include <gtest/gtest.h>

#include "sinkwise/core/error.h"

namespace sinkwise::pretrained {
namespace {

// The value of four bits, from the definition of E2M1: sign, two bits of exponent with bias 1, one
// of mantissa; exponent 0 is subnormal.
double e2m1(int bits) {
  const int exponent = (bits >> 1) & 3, mantissa = bits & 1;
  const double size =
      exponent == 0 ? 0.5 * mantissa : std::ldexp(1.0 + 0.5 * mantissa, exponent - 1);
  return (bits & 8) != 0 ? -size : size;
}

// One expert, two rows, one block each: all 256 bytes would need more rows, 32 of them show each
// half of each value.
TEST(Mxfp4, FollowsTheDefinitionOfItsNumbers) {
  at::Tensor blocks = at::zeros({1, 2, 1, 16}), scales = at::zeros({1, 2, 1});
  for (int row = 0; row < 2; ++row) {
    scales[0][row][0] = row == 0 ? 127 : 130;  // 1 and 8
    for (int i = 0; i < 16; ++i) blocks[0][row][0][i] = row == 0 ? i + 16 * (15 - i) : 16 * i + 5;
  }
  const at::Tensor found = mxfp4_matrices(blocks, scales, "experts");
  ASSERT_EQ(found.sizes(), (at::IntArrayRef{1, 2, 32}));
  for (int row = 0; row < 2; ++row) {
    for (int i = 0; i < 16; ++i) {
      const int byte = row == 0 ? i + 16 * (15 - i) : 16 * i + 5;
      const double scale = row == 0 ? 1.0 : 8.0;
      EXPECT_EQ(found[0][row][2 * i].item<double>(), scale * e2m1(byte & 15));
      EXPECT_EQ(found[0][row][2 * i + 1].item<double>(), scale * e2m1(byte >> 4));
    }
  }
}

TEST(Mxfp4, ShapesThatDoNotFitAreRefused) {
  EXPECT_THROW(mxfp4_matrices(at::zeros({1, 2, 1, 15}), at::zeros({1, 2, 1}), "experts"), BadFile);
  EXPECT_THROW(mxfp4_matrices(at::zeros({1, 2, 1, 16}), at::zeros({1, 2, 2}), "experts"), BadFile);
  EXPECT_THROW(mxfp4_matrices(at::zeros({2, 1, 16}), at::zeros({2, 1}), "experts"), BadFile);
}

}  // namespace
}  // namespace sinkwise::pretrained
