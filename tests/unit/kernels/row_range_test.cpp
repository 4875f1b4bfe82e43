#include "cpu/row_range.h"

#include <gtest/gtest.h>
#include <random>

namespace sinkwise::kernels {
namespace {

// The rule of the declaration, pair by pair.
bool sees(const AttentionProblem& p, std::int64_t i, std::int64_t j) {
  const std::int64_t position = i + p.S - p.T;
  if (p.causal && j > position) return false;
  if (p.window > 0 && j <= position - p.window) return false;
  if (p.window > 0 && !p.causal && j >= position + p.window) return false;
  if (p.document_start == nullptr) return true;
  return p.causal ? j >= p.document_start[i] : p.document_start[i] == p.document_start[j];
}

TEST(RowRange, HoldsExactlyTheVisibleKeys) {
  std::mt19937 random(3);
  int empty = 0, windowed = 0, packed = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    AttentionProblem p;
    p.T = static_cast<std::int64_t>(random() % 12);
    p.S = random() % 2 == 0 ? p.T : static_cast<std::int64_t>(random() % 12);
    p.causal = random() % 3 != 0;
    p.window = static_cast<std::int64_t>(random() % 2 * (random() % 6));
    std::vector<std::int64_t> start;
    if (random() % 2 == 0 && p.T > 0 && (p.T == p.S || (p.causal && p.T < p.S))) {
      for (std::int64_t i = 0; i < p.T; ++i) {
        start.push_back(i == 0 || random() % 3 == 0 ? i + p.S - p.T : start.back());
      }
      p.document_start = start.data();
    }
    const auto ranges = row_ranges(p, 0);
    ASSERT_EQ(ranges.size(), static_cast<std::size_t>(p.T));
    windowed += p.window > 0;
    packed += p.document_start != nullptr;
    for (std::int64_t i = 0; i < p.T; ++i) {
      const RowRange& row = ranges[static_cast<std::size_t>(i)];
      empty += row.begin == row.end;
      EXPECT_EQ(row.first, p.document_start == nullptr ? 0 : start[static_cast<std::size_t>(i)]);
      for (std::int64_t j = 0; j < p.S; ++j) {
        EXPECT_EQ(row.sees(static_cast<std::int32_t>(j)), sees(p, i, j))
            << "row " << i << ", key " << j << ", T " << p.T << ", S " << p.S << ", causal "
            << p.causal << ", window " << p.window;
      }
    }
  }
  EXPECT_GT(empty, 100);
  EXPECT_GT(windowed, 100);
  EXPECT_GT(packed, 100);
}

TEST(RowRange, GroupsKnowWhatAllAndWhatAnyRowSees) {
  const RowRange rows[] = {{0, 5, 1}, {2, 6, 3}, {1, 7, 0}};
  const GroupRange group = group_range(rows, 3);
  EXPECT_EQ(group.begin, 0);
  EXPECT_EQ(group.end, 7);
  EXPECT_FALSE(group.masks(2, 5));
  EXPECT_TRUE(group.masks(1, 5));
  EXPECT_TRUE(group.masks(2, 6));
  EXPECT_EQ(group.lowest_first, 0);
  EXPECT_EQ(group.highest_first, 3);
}

}  // namespace
}  // namespace sinkwise::kernels
