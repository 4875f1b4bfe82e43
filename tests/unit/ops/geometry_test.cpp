#include "sinkwise/ops/geometry.h"

#include <gtest/gtest.h>

#include <torch/torch.h>

namespace sinkwise::ops {
namespace {

std::vector<int> flags(const at::Tensor& tensor) {
  const at::Tensor ints = tensor.to(at::kInt).contiguous().view(-1);
  return {ints.data_ptr<int>(), ints.data_ptr<int>() + ints.numel()};
}

TEST(Geometry, CausalRowsAlignAtTheBottomRight) {
  const Geometry geometry{2, 4, true, {}, {}};
  EXPECT_EQ(flags(visible_keys(geometry, at::kCPU)), (std::vector<int>{1, 1, 1, 0, 1, 1, 1, 1}));
  EXPECT_EQ(empty_rows(geometry), 0);
}

TEST(Geometry, AWindowCountsTheRowsOwnKey) {
  const Geometry geometry{3, 3, true, 2, {}};
  EXPECT_EQ(flags(visible_keys(geometry, at::kCPU)), (std::vector<int>{1, 0, 0, 1, 1, 0, 0, 1, 1}));
}

TEST(Geometry, MoreQueriesThanKeysLeaveEmptyRowsOnTop) {
  EXPECT_EQ(empty_rows({5, 2, true, {}, {}}), 3);
  EXPECT_EQ(empty_rows({5, 2, false, {}, {}}), 0);
  EXPECT_EQ(empty_rows({12, 5, false, 2, {}}), 6);
  EXPECT_EQ(empty_rows({4, 0, false, {}, {}}), 4);
  for (const Geometry& g : {Geometry{12, 5, false, 2, {}}, Geometry{5, 2, true, {}, {}}}) {
    const at::Tensor sees_none = visible_keys(g, at::kCPU).any(-1).logical_not();
    EXPECT_EQ(sees_none.sum().item<long>(), empty_rows(g));
  }
}

TEST(Geometry, RowsFixedByConstructionAreNotInformative) {
  // Documents of lengths 1 and 4; a window of 3 no longer reaches the second one's first token at
  // row 4.
  const Geometry geometry{5, 5, true, 3, at::tensor({0, 1, 1, 1, 1}, at::kLong).unsqueeze(0)};
  EXPECT_EQ(flags(informative_rows(geometry, Gate::first_key, at::kCPU)),
            (std::vector<int>{0, 0, 1, 1, 0}));
  EXPECT_EQ(flags(informative_rows(geometry, Gate::sink, at::kCPU)),
            (std::vector<int>{1, 1, 1, 1, 1}));
}

// Without documents the rows are counted, not compared: both ways must agree.
TEST(Geometry, InformativeRowsAreThoseThatSeeAFirstKeyOtherThanTheirOwn) {
  for (std::int64_t T : {1, 4, 7}) {
    for (std::int64_t S : {0, 1, 4, 9}) {
      for (bool causal : {true, false}) {
        for (std::int64_t window : {0, 1, 3, 20}) {
          Geometry geometry{T, S, causal, {}, {}};
          if (window > 0) geometry.window = window;
          at::Tensor expected = first_key_visible(geometry, at::kCPU);
          const at::Tensor position = at::arange(S - T, S, at::kLong).unsqueeze(0);
          if (causal) expected = expected.logical_and(position != 0);
          EXPECT_EQ(flags(informative_rows(geometry, Gate::first_key, at::kCPU)), flags(expected))
              << "T " << T << " S " << S << " causal " << causal << " window " << window;
        }
      }
    }
  }
}

TEST(Geometry, EmptyRowsSayNothingAboutASink) {
  const Geometry geometry{4, 2, true, {}, {}};
  EXPECT_EQ(flags(informative_rows(geometry, Gate::sink, at::kCPU)),
            (std::vector<int>{0, 0, 1, 1}));
}

}  // namespace
}  // namespace sinkwise::ops
