#pragma once

#include <cstdint>
#include <vector>

#include "sinkwise/kernels/attention.h"

namespace sinkwise::kernels {

// The keys that one query row sees are always an interval: key j is seen if begin <= j < end. With
// p(i) = i + S - T:
//   causal   j <= p(i)
//   window   p(i) - W < j, and j < p(i) + W when not causal
//   document j >= f(i) when causal; the run of rows with the same f when not
struct RowRange {
  std::int32_t begin = 0, end = 0;
  std::int32_t first =
      0;  // f(i), the key whose weight is the vanilla gate's; it may be out of sight

  bool sees(std::int32_t key) const { return begin <= key && key < end; }
};

// [T] ranges of one batch entry; rows that see nothing have begin = end.
std::vector<RowRange> row_ranges(const AttentionProblem& problem, std::int64_t batch);

// What a group of rows sees together: keys outside [begin, end) no row sees, keys inside
// [all_begin, all_end) every row sees; the rows' first keys are all in [lowest_first,
// highest_first].
struct GroupRange {
  std::int32_t begin = 0, end = 0;
  std::int32_t all_begin = 0, all_end = 0;
  std::int32_t lowest_first = 0, highest_first = 0;

  // Whether some row of the group is blind to a key of [from, to).
  bool masks(std::int32_t from, std::int32_t to) const { return from < all_begin || to > all_end; }
};
GroupRange group_range(const RowRange* rows, std::int64_t count);

}  // namespace sinkwise::kernels
