#include "sinkwise/weights/rotary_rows.h"

#include <gtest/gtest.h>
#include <numeric>
#include <vector>

#include "sinkwise/core/error.h"

namespace sinkwise::weights {
namespace {

// Two heads of six rows as llama.cpp's converter leaves them, each row named by where it came from:
// row i of the lower half, then row i of the upper half.
const std::vector<float> kConverted = {0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11};

TEST(RotaryRows, UndoesTheOrderOfTheConverter) {
  std::vector<float> rows = kConverted;
  undo_interleaved_rows(rows, 2, 1);
  std::vector<float> original(12);
  std::iota(original.begin(), original.end(), 0.0f);
  EXPECT_EQ(rows, original);
}

TEST(RotaryRows, MovesWholeRows) {
  std::vector<float> rows;
  for (const float row : kConverted) rows.insert(rows.end(), {row, row + 100, row + 200});
  undo_interleaved_rows(rows, 2, 3);
  for (std::size_t row = 0; row < 12; ++row) {
    for (std::size_t column = 0; column < 3; ++column) {
      EXPECT_EQ(rows[3 * row + column], static_cast<float>(row + 100 * column));
    }
  }
}

TEST(RotaryRows, RefusesWhatIsNoRowOfHeads) {
  std::vector<float> rows(12);
  EXPECT_THROW(undo_interleaved_rows(rows, 0, 1), BadArgument);
  EXPECT_THROW(undo_interleaved_rows(rows, 2, 0), BadArgument);
  EXPECT_THROW(undo_interleaved_rows(rows, 5, 1), BadArgument);
  EXPECT_THROW(undo_interleaved_rows(rows, 2, 5), BadArgument);
  EXPECT_THROW(undo_interleaved_rows(rows, 4, 1), BadArgument);  // three rows a head
}

TEST(RotaryRows, KnowsTheArchitecturesThatWereLookedAt) {
  EXPECT_EQ(rotary_rows("llama"), RotaryRows::interleaved);
  EXPECT_EQ(rotary_rows("granite"), RotaryRows::interleaved);
  EXPECT_EQ(rotary_rows("qwen3"), RotaryRows::half_split);
  EXPECT_EQ(rotary_rows("gpt-oss"), RotaryRows::half_split);
  EXPECT_EQ(rotary_rows("unheard-of"), std::nullopt);
  EXPECT_EQ(rotary_rows(""), std::nullopt);
}

}  // namespace
}  // namespace sinkwise::weights
