// One tile of the backward: a block of query rows against a block of keys, keys in lanes.
#if defined(SINKWISE_TILE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SINKWISE_TILE_INL_H
#undef SINKWISE_TILE_INL_H
#else
#define SINKWISE_TILE_INL_H
#endif

#include <algorithm>

#include "cpu/exponential-inl.h"
#include "cpu/mask-inl.h"
#include "cpu/multiply-inl.h"
#include "cpu/pair-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {

// X: what the blocks of the products are made of, float or Pair (operand.h). For float, a block is
// the same whichever way the steps of a product run; for Pair, blocks that serve both ways are kept
// twice.

// The keys of one block, packed once and met by every query block.
template <class X>
struct KeyBlock {
  std::int32_t begin = 0, end = 0;
  std::size_t stride = 0;       // of key, grad_key, grad_value
  X* key = nullptr;             // [units(keys), stride]
  X* key_lanes = nullptr;       // strips of [units(D), kStrip]
  X* value_lanes = nullptr;     // strips of [units(D), kStrip]
  float score_factor = 1.0F;    // scale and log2(e): in key_lanes (float) or still to come (Pair)
  float* grad_key = nullptr;    // [keys, stride], sums
  float* grad_value = nullptr;  // [keys, stride], sums
  bool key_finite = true;
};

// The rows of one query block.
template <class X>
struct QueryBlock {
  std::size_t count = 0;
  std::size_t stride = 0;            // of what holds D columns
  std::size_t row_stride = 0;        // of query_rows and grad_out_rows
  const X* query_rows = nullptr;     // [rows, units(D)]: steps along a row
  const X* grad_out_rows = nullptr;  // the same
  const X* query = nullptr;          // [units(rows), D]: steps from row to row
  const X* grad_out = nullptr;       // the same
  float* grad_query = nullptr;       // [rows, stride], sums
  const RowRange* range = nullptr;   // [rows]
  const float* lse = nullptr;        // [rows], natural
  const float* delta = nullptr;      // [rows]
  const float* grad_gate = nullptr;  // [rows] of the first key's gate, or absent
  bool finite = true;                // query and grad_out
};

// Weights P and score gradients dS of one register tile, [rows, kStrip] each, as they are computed.
struct TileScores {
  float* weight = nullptr;
  float* grad_score = nullptr;
  std::size_t stride = 0;
};

// The same of a whole tile, as the products take them.
template <class X>
struct Tile {
  std::size_t stride = 0, row_stride = 0;
  X* weight = nullptr;           // [units(rows), stride]: steps from row to row
  X* grad_score = nullptr;       // the same
  X* grad_score_rows = nullptr;  // [rows, row_stride]: steps along a row
  TileScores scratch;            // of one register tile, rounded from there; Pair only

  TileScores scores_at(std::size_t row, std::size_t column) const {
    if constexpr (kSteps < X >> 1)
      return scratch;
    else
      return {weight + row * stride + column, grad_score + row * stride + column, stride};
  }
};

// --- Scores to weights to score gradients, one register tile of up to kRows x kStrip at a time ---

// In place: scores (log 2) become P, dO . v becomes dS = P (dO . v - delta).
template <bool kMasked, class X>
HWY_INLINE void grad_scores_of_row(const QueryBlock<X>& q, std::size_t row, std::int32_t key,
                                   float* weight, float* grad_score) {
  const VectorF lse = broadcast(q.lse[row] * std::numbers::log2e_v<float>);
  const VectorF delta = broadcast(q.delta[row]);
  for (std::size_t lane = 0; lane < kStrip; lane += kLanes) {
    VectorF p = exp2(hn::Sub(load(weight + lane), lse));
    VectorF ds = hn::Mul(p, hn::Sub(load(grad_score + lane), delta));
    if constexpr (kMasked) {
      const MaskF seen = keys_seen_by(q.range[row], key + static_cast<std::int32_t>(lane));
      p = hn::IfThenElseZero(seen, p);
      ds = hn::IfThenElseZero(seen, ds);
    }
    store(p, weight + lane);
    store(ds, grad_score + lane);
  }
}

// The gate 1 - P_f adds -dG P_f to the gradient of the first key's score.
template <class X>
HWY_INLINE void add_gate_terms(const QueryBlock<X>& q, std::size_t row, std::size_t rows,
                               const GroupRange& group, std::int32_t key,
                               const TileScores& scores) {
  const std::int32_t key_end = key + static_cast<std::int32_t>(kStrip);
  if (group.lowest_first >= key_end || group.highest_first < key) return;
  const RowRange* range = q.range + row;
  for (std::size_t r = 0; r < rows; ++r) {
    const std::int32_t first = range[r].first;
    if (first < key || first >= key_end || !range[r].sees(first)) continue;
    const std::size_t at = r * scores.stride + static_cast<std::size_t>(first - key);
    scores.grad_score[at] -= scores.weight[at] * q.grad_gate[row + r];
  }
}

// Hands the scores of rows [row, row + rows) and strip `strip` to the products. row: even.
inline void keep_scores(const Tile<float>& /*tile*/, const TileScores& /*scores*/,
                        std::size_t /*row*/, std::size_t /*rows*/, std::size_t /*column*/) {}

#if SINKWISE_HAS_PAIRS
inline void keep_scores(const Tile<Pair>& tile, const TileScores& scores, std::size_t row,
                        std::size_t rows, std::size_t column) {
  const std::size_t at = row / 2 * tile.stride + column;
  round_steps(scores.weight, scores.stride, rows, tile.weight + at, tile.stride);
  round_steps(scores.grad_score, scores.stride, rows, tile.grad_score + at, tile.stride);
  round_rows(scores.grad_score, scores.stride, rows,
             tile.grad_score_rows + row * tile.row_stride + column / 2, tile.row_stride);
}
#endif

HWY_INLINE void clear(const TileScores& scores, std::size_t rows) {
  for (std::size_t r = 0; r < rows; ++r) {
    std::fill_n(scores.weight + r * scores.stride, kStrip, 0.0F);
    std::fill_n(scores.grad_score + r * scores.stride, kStrip, 0.0F);
  }
}

// P and dS of rows [row, row + rows) and the strip of keys at `column`.
template <class X>
HWY_INLINE void compute_scores(const KeyBlock<X>& k, const QueryBlock<X>& q, std::size_t D,
                               std::size_t row, std::size_t rows, const GroupRange& group,
                               std::size_t column, const TileScores& scores) {
  constexpr Start kStart = kSteps<X> == 1 ? Start::zero : Start::zero_scaled;
  const std::int32_t key = k.begin + static_cast<std::int32_t>(column);
  const std::int32_t key_end = key + static_cast<std::int32_t>(kStrip);
  const std::size_t lanes = column * units<X>(D), at = row * q.row_stride;
  multiply_strip<X, Adjacent::steps, kStart>(rows, {q.query_rows + at, q.row_stride},
                                             {k.key_lanes + lanes, kStrip}, units<X>(D),
                                             {scores.weight, scores.stride}, &k.score_factor);
  multiply_strip<X, Adjacent::steps, Start::zero>(rows, {q.grad_out_rows + at, q.row_stride},
                                                  {k.value_lanes + lanes, kStrip}, units<X>(D),
                                                  {scores.grad_score, scores.stride});
  const bool masked = group.masks(key, key_end);
  for (std::size_t r = 0; r < rows; ++r) {
    float* weight = scores.weight + r * scores.stride;
    float* grad_score = scores.grad_score + r * scores.stride;
    if (masked) {
      grad_scores_of_row<true>(q, row + r, key, weight, grad_score);
    } else {
      grad_scores_of_row<false>(q, row + r, key, weight, grad_score);
    }
  }
  if (q.grad_gate != nullptr) add_gate_terms(q, row, rows, group, key, scores);
}

// Rows [row, row + rows) against strip `strip` of the keys.
template <class X>
HWY_NOINLINE void score_tile(const KeyBlock<X>& k, const QueryBlock<X>& q, std::size_t D,
                             std::size_t row, std::size_t rows, const GroupRange& group,
                             std::size_t strip, const Tile<X>& tile) {
  const std::size_t column = strip * kStrip;
  const std::int32_t key = k.begin + static_cast<std::int32_t>(column);
  const TileScores scores = tile.scores_at(row, column);
  if (key >= group.end || key + static_cast<std::int32_t>(kStrip) <= group.begin) {
    clear(scores, rows);
  } else {
    compute_scores(k, q, D, row, rows, group, column, scores);
  }
  keep_scores(tile, scores, row, rows, column);
}

// --- The three products that use the tile ---

// C [rows, D] += A B for all columns of D, two vectors at a time.
template <class X, Adjacent kAdjacent>
HWY_INLINE void add_product_of(std::size_t rows, Left<X> a, Right<X> b, std::size_t steps, Target c,
                               std::size_t D) {
  std::size_t d = 0;
  for (; d + kLanes < D; d += kStrip) {
    multiply_strip<X, kAdjacent, Start::target>(rows, a, {b.data + d, b.stride}, steps,
                                                {c.data + d, c.stride});
  }
  if (d < D) {
    multiply_strip<X, kAdjacent, Start::target, 1>(rows, a, {b.data + d, b.stride}, steps,
                                                   {c.data + d, c.stride});
  }
}

// Rows [begin, end) of a tile.
struct Span {
  std::size_t begin = 0, end = 0;
};

// The rows between the first and the last group that see a key of [from, to).
HWY_INLINE Span rows_that_see(const GroupRange* groups, std::size_t group_count,
                              std::size_t row_count, std::int32_t from, std::int32_t to) {
  std::size_t first = 0, last = group_count;
  auto blind = [&](std::size_t g) { return groups[g].begin >= to || groups[g].end <= from; };
  while (first < last && blind(first)) ++first;
  while (last > first && blind(last - 1)) --last;
  if (first == last) return {};
  return {first * kRows, std::min(last * kRows, row_count)};
}

template <class X>
HWY_NOINLINE void add_products(const KeyBlock<X>& k, const QueryBlock<X>& q, std::size_t D,
                               const GroupRange* groups, std::size_t group_count,
                               const Tile<X>& tile) {
  static_assert(kRows % kSteps<X> == 0, "groups begin with an element");
  const auto keys = static_cast<std::size_t>(k.end - k.begin);
  for (std::size_t j = 0; j < keys; j += kRows) {
    const std::size_t count = std::min(kRows, keys - j);
    const std::int32_t key = k.begin + static_cast<std::int32_t>(j);
    const Span rows =
        rows_that_see(groups, group_count, q.count, key, key + static_cast<std::int32_t>(count));
    if (rows.begin == rows.end) continue;
    const std::size_t first = units<X>(rows.begin), steps = units<X>(rows.end - rows.begin);
    const std::size_t tile_at = first * tile.stride + j, row_at = first * q.stride;
    add_product_of<X, Adjacent::rows>(count, {tile.weight + tile_at, tile.stride},
                                      {q.grad_out + row_at, q.stride}, steps,
                                      {k.grad_value + j * k.stride, k.stride}, D);
    add_product_of<X, Adjacent::rows>(count, {tile.grad_score + tile_at, tile.stride},
                                      {q.query + row_at, q.stride}, steps,
                                      {k.grad_key + j * k.stride, k.stride}, D);
  }
  for (std::size_t g = 0; g < group_count; ++g) {
    const std::size_t row = g * kRows;
    const std::int32_t from = std::max(groups[g].begin, k.begin);
    const std::int32_t to = std::min(groups[g].end, k.end);
    if (from >= to) continue;
    // A key that an element holds beside one in sight has dS = 0.
    const std::size_t first = static_cast<std::size_t>(from - k.begin) / kSteps<X>;
    const std::size_t last = units<X>(static_cast<std::size_t>(to - k.begin));
    add_product_of<X, Adjacent::steps>(
        std::min(kRows, q.count - row),
        {tile.grad_score_rows + row * tile.row_stride + first, tile.row_stride},
        {k.key + first * k.stride, k.stride}, last - first,
        {q.grad_query + row * q.stride, q.stride}, D);
  }
}

// The same, a pair at a time, where some key, query or upstream gradient is not finite: a weight of
// 0 times NaN must not reach a row or key that is out of sight.
template <class X>
HWY_NOINLINE void add_visible_products(const KeyBlock<X>& k, const QueryBlock<X>& q, std::size_t D,
                                       const Tile<X>& tile) {
  for (std::size_t i = 0; i < q.count; ++i) {
    for (std::int32_t key = std::max(q.range[i].begin, k.begin);
         key < std::min(q.range[i].end, k.end); ++key) {
      const auto j = static_cast<std::size_t>(key - k.begin);
      const float weight = step_of(tile.weight, tile.stride, i, j);
      const float grad_score = step_of(tile.grad_score, tile.stride, i, j);
      for (std::size_t d = 0; d < D; ++d) {
        k.grad_value[j * k.stride + d] += weight * step_of(q.grad_out, q.stride, i, d);
        k.grad_key[j * k.stride + d] += grad_score * step_of(q.query, q.stride, i, d);
        q.grad_query[i * q.stride + d] += grad_score * step_of(k.key, k.stride, j, d);
      }
    }
  }
}

// Adds what the rows of `q` and the keys of `k` owe each other to all three gradients. groups:
// scratch, one entry for each kRows rows.
template <class X>
HWY_NOINLINE void backward_tile(const KeyBlock<X>& k, const QueryBlock<X>& q, std::size_t D,
                                GroupRange* groups, const Tile<X>& tile) {
  const auto keys = static_cast<std::size_t>(k.end - k.begin);
  const std::size_t strips = (keys + kStrip - 1) / kStrip;
  const std::size_t group_count = (q.count + kRows - 1) / kRows;
  bool masked = false;
  for (std::size_t g = 0; g < group_count; ++g) {
    const std::size_t row = g * kRows;
    groups[g] =
        group_range(q.range + row, static_cast<std::int64_t>(std::min(kRows, q.count - row)));
    masked = masked || groups[g].masks(k.begin, k.end);
  }
  for (std::size_t strip = 0; strip < strips; ++strip) {
    for (std::size_t g = 0; g < group_count; ++g) {
      const std::size_t row = g * kRows;
      score_tile(k, q, D, row, std::min(kRows, q.count - row), groups[g], strip, tile);
    }
  }
  if (masked && !(k.key_finite && q.finite)) {
    add_visible_products(k, q, D, tile);
  } else {
    add_products(k, q, D, groups, group_count, tile);
  }
}

}  // namespace sinkwise::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
