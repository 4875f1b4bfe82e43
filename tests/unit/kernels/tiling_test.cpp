#include "cpu/tiling.h"

#include <algorithm>
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
  EXPECT_EQ(backward_chunks(sized(1, 1, 1, 4096, 64), 4).size(), 4u);
  EXPECT_EQ(backward_chunks(sized(1, 3, 3, 4096, 64), 4).size(), 4u)
      << "twelve tasks, three rounds";
  EXPECT_EQ(backward_chunks(sized(1, 1, 1, 96, 64), 4).size(), 1u) << "no block to share";
  EXPECT_EQ(backward_chunks(sized(1, 1, 1, 4096, 64), 1).size(), 1u);
  EXPECT_EQ(backward_chunks(sized(2, 8, 8, 4096, 64), 4).size(), 1u) << "no copy without need";
}

// Pairs (row, key) of a chunk.
std::int64_t work_of(const AttentionProblem& p, const KeyChunk& chunk) {
  std::int64_t work = 0;
  for (const std::int64_t begin : chunk) {
    for (std::int64_t key = begin; key < std::min(begin + kKeyBlock, p.S); ++key) {
      work += p.window == 0 ? p.T - key : std::min(p.window, p.T - key);
    }
  }
  return work;
}

TEST(Tiling, ChunksHaveEveryBlockOnceAndAboutEqualWork) {
  for (std::int64_t window : {0, 256}) {
    for (std::int64_t threads : {2, 3, 8}) {
      for (std::int64_t T : {2000, 2048, 8192}) {
        AttentionProblem p = sized(1, 1, 1, T, 64);
        p.window = window;
        std::vector<std::int64_t> blocks;
        std::int64_t smallest = INT64_MAX, largest = 0;
        for (const KeyChunk& chunk : backward_chunks(p, threads)) {
          EXPECT_TRUE(std::is_sorted(chunk.begin(), chunk.end()));
          blocks.insert(blocks.end(), chunk.begin(), chunk.end());
          smallest = std::min(smallest, work_of(p, chunk));
          largest = std::max(largest, work_of(p, chunk));
        }
        std::sort(blocks.begin(), blocks.end());
        ASSERT_EQ(static_cast<std::int64_t>(blocks.size()), (T + kKeyBlock - 1) / kKeyBlock);
        for (std::size_t i = 0; i < blocks.size(); ++i) {
          EXPECT_EQ(blocks[i], static_cast<std::int64_t>(i) * kKeyBlock);
        }
        // A block; under a window also what the last block and the last rows lack of one.
        const std::int64_t apart =
            window == 0 ? T * kKeyBlock : window * (2 * kKeyBlock + window / 2);
        EXPECT_LE(largest - smallest, apart) << T << " in " << threads << ", window " << window;
      }
    }
  }
}

TEST(Tiling, NeighboursStayTogetherUnderAShortWindow) {
  AttentionProblem p = sized(1, 1, 1, 8192, 64);
  const auto unlimited = backward_chunks(p, 2);
  p.window = 256;
  for (const KeyChunk& chunk : backward_chunks(p, 2)) {
    EXPECT_EQ(chunk.back() - chunk.front(),
              static_cast<std::int64_t>(chunk.size() - 1) * kKeyBlock);
  }
  p.window = 8192;
  EXPECT_EQ(backward_chunks(p, 2), unlimited);
}

TEST(Tiling, NoKeysLeaveOneEmptyTaskAHead) {
  AttentionProblem p = sized(2, 2, 2, 5, 8);
  p.S = 0;
  EXPECT_EQ(backward_chunks(p, 2).size(), 1u);
  EXPECT_TRUE(backward_chunks(p, 2)[0].empty());
}

}  // namespace
}  // namespace sinkwise::kernels
