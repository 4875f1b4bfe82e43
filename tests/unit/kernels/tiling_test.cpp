#include "cpu/tiling.h"

#include <gtest/gtest.h>

#include "cpu/task.h"

namespace sinkwise::kernels {
namespace {

AttentionProblem sized(std::int64_t B, std::int64_t H, std::int64_t K, std::int64_t T,
                       std::int64_t D) {
  AttentionProblem p;
  p.B = B, p.H = H, p.K = K, p.T = p.S = T, p.D = D;
  return p;
}

TEST(Tiling, KeyBlocksFitEveryRegisterTile) {
  for (std::int64_t unit : {6, 12, 8, 16, 32}) EXPECT_EQ(kKeyBlock % unit, 0) << unit;
}

TEST(Tiling, PackedRowsSpreadOverTheCache) {
  for (std::int64_t columns = 1; columns <= 300; ++columns) {
    const std::int64_t stride = padded_stride(columns);
    EXPECT_GE(stride, columns);
    EXPECT_LT(stride, columns + 32);
    EXPECT_EQ(stride % 16, 0);
    EXPECT_EQ(stride / 16 % 2, 1);
  }
}

TEST(Tiling, ForwardTasksCoverEveryRowOnce) {
  for (std::int64_t threads : {1, 2, 5}) {
    for (std::int64_t T : {1, 15, 16, 17, 128, 1000}) {
      const ForwardPlan plan(sized(2, 3, 1, T, 64), 16, threads);
      std::vector<int> seen(static_cast<std::size_t>(2 * 3 * T));
      for (std::int64_t index = 0; index < plan.tasks(); ++index) {
        const ForwardTask task = plan.task(index);
        EXPECT_EQ(task.row_begin % 16, 0);
        for (std::int64_t row = task.row_begin; row < task.row_end; ++row) {
          ++seen[static_cast<std::size_t>((task.b * 3 + task.h) * T + row)];
        }
      }
      EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), static_cast<long>(seen.size()));
    }
  }
}

TEST(Tiling, OneLongHeadStillFillsTheThreads) {
  EXPECT_GE(ForwardPlan(sized(1, 1, 1, 512, 64), 16, 4).tasks(), 16);
  EXPECT_GE(backward_chunks(sized(1, 1, 1, 4096, 64), 4).size(), 4u);
  EXPECT_EQ(backward_chunks(sized(1, 1, 1, 4096, 64), 1).size(), 1u);
  EXPECT_EQ(backward_chunks(sized(2, 8, 8, 4096, 64), 4).size(), 1u) << "no copy without need";
}

TEST(Tiling, ChunksAreConsecutiveAndOfAboutEqualWork) {
  for (std::int64_t window : {0, 256}) {
    AttentionProblem p = sized(1, 1, 1, 8192, 64);
    p.window = window;
    const auto chunks = backward_chunks(p, 2);
    ASSERT_GE(chunks.size(), 2u);
    std::int64_t next = 0, smallest = INT64_MAX, largest = 0;
    for (const KeyChunk& chunk : chunks) {
      EXPECT_EQ(chunk.begin, next);
      EXPECT_EQ(chunk.begin % kKeyBlock, 0);
      next = chunk.end;
      std::int64_t work = 0;  // pairs (row, key)
      for (std::int64_t key = chunk.begin; key < chunk.end; ++key) {
        work += window == 0 ? p.T - key : std::min(window, p.T - key);
      }
      smallest = std::min(smallest, work);
      largest = std::max(largest, work);
    }
    EXPECT_EQ(next, p.S);
    EXPECT_LT(static_cast<double>(largest), 1.25 * static_cast<double>(smallest));
  }
}

TEST(Tiling, NoKeysLeaveOneEmptyTaskAHead) {
  AttentionProblem p = sized(2, 2, 2, 5, 8);
  p.S = 0;
  EXPECT_EQ(backward_chunks(p, 2).size(), 1u);
  EXPECT_EQ(backward_chunks(p, 2)[0].end, 0);
}

}  // namespace
}  // namespace sinkwise::kernels
