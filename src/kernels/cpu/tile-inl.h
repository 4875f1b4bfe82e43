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

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {

// The keys of one block, packed once and met by every query block.
struct KeyBlock {
  std::int32_t begin = 0, end = 0;
  std::size_t stride = 0;        // of key, grad_key, grad_value
  float* key = nullptr;          // [keys, stride]
  float* key_lanes = nullptr;    // strips of [D, kStrip], times scale and log2(e)
  float* value_lanes = nullptr;  // strips of [D, kStrip]
  float* grad_key = nullptr;     // [keys, stride], sums
  float* grad_value = nullptr;   // [keys, stride], sums
  bool key_finite = true;
};

// The rows of one query block.
struct QueryBlock {
  std::size_t count = 0;
  std::size_t stride = 0;            // of query, grad_out, grad_query
  float* query = nullptr;            // [rows, stride]
  float* grad_out = nullptr;         // [rows, stride]
  float* grad_query = nullptr;       // [rows, stride], sums
  const RowRange* range = nullptr;   // [rows]
  const float* lse = nullptr;        // [rows], natural
  const float* delta = nullptr;      // [rows]
  const float* grad_gate = nullptr;  // [rows] of the first key's gate, or absent
  bool finite = true;                // query and grad_out
};

// Scratch: weights P and score gradients dS of the tile, [rows, stride] each.
struct TileScores {
  float* weight = nullptr;
  float* grad_score = nullptr;
  std::size_t stride = 0;
};

// --- Scores to weights to score gradients, one register tile of up to kRows x kStrip at a time ---

// In place: scores (log 2) become P, dO . v becomes dS = P (dO . v - delta).
template <bool kMasked>
HWY_INLINE void grad_scores_of_row(const QueryBlock& q, std::size_t row, std::int32_t key,
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
HWY_INLINE void add_gate_terms(const QueryBlock& q, std::size_t row, std::size_t rows,
                               const GroupRange& group, std::int32_t key, const float* weight,
                               float* grad_score, std::size_t stride) {
  const std::int32_t key_end = key + static_cast<std::int32_t>(kStrip);
  if (group.lowest_first >= key_end || group.highest_first < key) return;
  const RowRange* range = q.range + row;
  for (std::size_t r = 0; r < rows; ++r, weight += stride, grad_score += stride) {
    const std::int32_t first = range[r].first;
    if (first < key || first >= key_end || !range[r].sees(first)) continue;
    grad_score[first - key] -= weight[first - key] * q.grad_gate[row + r];
  }
}

HWY_INLINE void clear_columns(const TileScores& tile, std::size_t row, std::size_t rows,
                              std::size_t column) {
  for (std::size_t r = row; r < row + rows; ++r) {
    for (std::size_t lane = column; lane < column + kStrip; lane += kLanes) {
      store(hn::Zero(F()), tile.weight + r * tile.stride + lane);
      store(hn::Zero(F()), tile.grad_score + r * tile.stride + lane);
    }
  }
}

// Rows [row, row + rows) against strip `strip` of the keys.
inline HWY_NOINLINE void score_tile(const KeyBlock& k, const QueryBlock& q, std::size_t D,
                                    std::size_t row, std::size_t rows, const GroupRange& group,
                                    std::size_t strip, const TileScores& tile) {
  const std::size_t column = strip * kStrip;
  const std::int32_t key = k.begin + static_cast<std::int32_t>(column);
  const std::int32_t key_end = key + static_cast<std::int32_t>(kStrip);
  if (key >= group.end || key_end <= group.begin) {
    clear_columns(tile, row, rows, column);
    return;
  }
  float* weight = tile.weight + row * tile.stride + column;
  float* grad_score = tile.grad_score + row * tile.stride + column;
  multiply_strip<Adjacent::steps, Start::zero>(rows, {q.query + row * q.stride, q.stride},
                                               {k.key_lanes + strip * D * kStrip, kStrip}, D,
                                               {weight, tile.stride});
  multiply_strip<Adjacent::steps, Start::zero>(rows, {q.grad_out + row * q.stride, q.stride},
                                               {k.value_lanes + strip * D * kStrip, kStrip}, D,
                                               {grad_score, tile.stride});
  const bool masked = group.masks(key, key_end);
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t at = r * tile.stride;
    if (masked) {
      grad_scores_of_row<true>(q, row + r, key, weight + at, grad_score + at);
    } else {
      grad_scores_of_row<false>(q, row + r, key, weight + at, grad_score + at);
    }
  }
  if (q.grad_gate != nullptr) {
    add_gate_terms(q, row, rows, group, key, weight, grad_score, tile.stride);
  }
}

// --- The three products that use the tile ---

// C [rows, D] += A B for all columns of D, two vectors at a time.
template <Adjacent kAdjacent>
HWY_INLINE void add_product_of(std::size_t rows, Left a, Right b, std::size_t steps, Target c,
                               std::size_t D) {
  std::size_t d = 0;
  for (; d + kLanes < D; d += kStrip) {
    multiply_strip<kAdjacent, Start::target>(rows, a, {b.data + d, b.stride}, steps,
                                             {c.data + d, c.stride});
  }
  if (d < D) {
    multiply_strip<kAdjacent, Start::target, 1>(rows, a, {b.data + d, b.stride}, steps,
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

inline HWY_NOINLINE void add_products(const KeyBlock& k, const QueryBlock& q, std::size_t D,
                                      const GroupRange* groups, std::size_t group_count,
                                      const TileScores& tile) {
  const auto keys = static_cast<std::size_t>(k.end - k.begin);
  for (std::size_t j = 0; j < keys; j += kRows) {
    const std::size_t count = std::min(kRows, keys - j);
    const std::int32_t key = k.begin + static_cast<std::int32_t>(j);
    const Span rows =
        rows_that_see(groups, group_count, q.count, key, key + static_cast<std::int32_t>(count));
    if (rows.begin == rows.end) continue;
    const std::size_t tile_at = rows.begin * tile.stride + j, row_at = rows.begin * q.stride;
    const std::size_t steps = rows.end - rows.begin;
    add_product_of<Adjacent::rows>(count, {tile.weight + tile_at, tile.stride},
                                   {q.grad_out + row_at, q.stride}, steps,
                                   {k.grad_value + j * k.stride, k.stride}, D);
    add_product_of<Adjacent::rows>(count, {tile.grad_score + tile_at, tile.stride},
                                   {q.query + row_at, q.stride}, steps,
                                   {k.grad_key + j * k.stride, k.stride}, D);
  }
  for (std::size_t g = 0; g < group_count; ++g) {
    const std::size_t row = g * kRows;
    const std::int32_t from = std::max(groups[g].begin, k.begin);
    const std::int32_t to = std::min(groups[g].end, k.end);
    if (from >= to) continue;
    const auto j = static_cast<std::size_t>(from - k.begin);
    add_product_of<Adjacent::steps>(
        std::min(kRows, q.count - row), {tile.grad_score + row * tile.stride + j, tile.stride},
        {k.key + j * k.stride, k.stride}, static_cast<std::size_t>(to - from),
        {q.grad_query + row * q.stride, q.stride}, D);
  }
}

// The same, a pair at a time, where some key, query or upstream gradient is not finite: a weight of
// 0 times NaN must not reach a row or key that is out of sight.
inline HWY_NOINLINE void add_visible_products(const KeyBlock& k, const QueryBlock& q, std::size_t D,
                                              const TileScores& tile) {
  for (std::size_t i = 0; i < q.count; ++i) {
    for (std::int32_t key = std::max(q.range[i].begin, k.begin);
         key < std::min(q.range[i].end, k.end); ++key) {
      const auto j = static_cast<std::size_t>(key - k.begin);
      const float weight = tile.weight[i * tile.stride + j];
      const float grad_score = tile.grad_score[i * tile.stride + j];
      for (std::size_t d = 0; d < D; ++d) {
        k.grad_value[j * k.stride + d] += weight * q.grad_out[i * q.stride + d];
        k.grad_key[j * k.stride + d] += grad_score * q.query[i * q.stride + d];
        q.grad_query[i * q.stride + d] += grad_score * k.key[j * k.stride + d];
      }
    }
  }
}

// Adds what the rows of `q` and the keys of `k` owe each other to all three gradients. groups:
// scratch, one entry for each kRows rows.
inline HWY_NOINLINE void backward_tile(const KeyBlock& k, const QueryBlock& q, std::size_t D,
                                       GroupRange* groups, const TileScores& tile) {
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
