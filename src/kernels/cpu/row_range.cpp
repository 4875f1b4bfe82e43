#include "cpu/row_range.h"

#include <algorithm>

namespace sinkwise::kernels {
namespace {

// One past the last row that shares row i's document; rows of a document are neighbours.
std::int64_t document_end(const std::int64_t* start, std::int64_t row, std::int64_t T) {
  std::int64_t end = row + 1;
  while (end < T && start[end] == start[row]) ++end;
  return end;
}

}  // namespace

std::vector<RowRange> row_ranges(const AttentionProblem& problem, std::int64_t batch) {
  const std::int64_t T = problem.T, S = problem.S, W = problem.window;
  const std::int64_t* start =
      problem.document_start == nullptr ? nullptr : problem.document_start + batch * T;
  std::vector<RowRange> ranges(static_cast<std::size_t>(T));
  std::int64_t document_last = 0;  // end of the current row's document, when not causal
  for (std::int64_t i = 0; i < T; ++i) {
    const std::int64_t position = i + S - T;
    const std::int64_t first = start == nullptr ? 0 : start[i];
    std::int64_t begin = 0, end = problem.causal ? position + 1 : S;
    if (start != nullptr) {
      if (!problem.causal && i >= document_last) document_last = document_end(start, i, T);
      begin = first;
      if (!problem.causal) end = std::min(end, document_last);
    }
    if (W > 0) {
      begin = std::max(begin, position - W + 1);
      if (!problem.causal) end = std::min(end, position + W);
    }
    begin = std::clamp<std::int64_t>(begin, 0, S);
    end = std::clamp<std::int64_t>(end, begin, S);
    ranges[static_cast<std::size_t>(i)] = {static_cast<std::int32_t>(begin),
                                           static_cast<std::int32_t>(end),
                                           static_cast<std::int32_t>(first)};
  }
  return ranges;
}

GroupRange group_range(const RowRange* rows, std::int64_t count) {
  GroupRange group{rows[0].begin, rows[0].end,   rows[0].begin,
                   rows[0].end,   rows[0].first, rows[0].first};
  for (std::int64_t i = 1; i < count; ++i) {
    group.begin = std::min(group.begin, rows[i].begin);
    group.end = std::max(group.end, rows[i].end);
    group.all_begin = std::max(group.all_begin, rows[i].begin);
    group.all_end = std::min(group.all_end, rows[i].end);
    group.lowest_first = std::min(group.lowest_first, rows[i].first);
    group.highest_first = std::max(group.highest_first, rows[i].first);
  }
  return group;
}

}  // namespace sinkwise::kernels
