// The memory of one backward task and how it is cut up.
#if defined(SINKWISE_BACKWARD_SCRATCH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SINKWISE_BACKWARD_SCRATCH_INL_H
#undef SINKWISE_BACKWARD_SCRATCH_INL_H
#else
#define SINKWISE_BACKWARD_SCRATCH_INL_H
#endif

#include <vector>

#include "cpu/pack-inl.h"
#include "cpu/tile-inl.h"
#include "cpu/workspace.h"

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {

// Rows of query and upstream gradient of all heads of a group, packed once: every block of keys
// reads them.
template <class X>
struct QueryRows {
  std::size_t T = 0, stride = 0, row_stride = 0;
  X *query = nullptr, *grad_out = nullptr;            // [heads, units(T), stride]
  X *query_rows = nullptr, *grad_out_rows = nullptr;  // [heads, T, row_stride]

  // Where row `row` of head `head` begins; for `at`, an element begins there.
  std::size_t at(std::int64_t head, std::int64_t row) const {
    return (static_cast<std::size_t>(head) * units<X>(T) +
            static_cast<std::size_t>(row) / kSteps<X>)*stride;
  }
  std::size_t rows_at(std::int64_t head, std::int64_t row) const {
    return (static_cast<std::size_t>(head) * T + static_cast<std::size_t>(row)) * row_stride;
  }
};

template <class X>
struct BackwardScratch {
  KeyBlock<X> keys;
  QueryBlock<X> queries;
  Tile<X> tile;
  QueryRows<X> rows;
  float* grad_query = nullptr;  // where one task owns them; the plan holds them otherwise
  std::vector<char> finite;     // of each query block
  std::vector<GroupRange> groups;
  Workspace memory;

  // heads: of a group; own_rows: those of grad_query, 0 where it lies in the plan.
  BackwardScratch(std::size_t D, std::size_t heads, std::size_t T, std::size_t own_rows)
      : groups((kBlock + kRows - 1) / kRows), memory(0) {
    WorkspaceSize size;
    lay_out(size, D, heads, T, own_rows);
    memory = Workspace(size.floats);
    lay_out(memory, D, heads, T, own_rows);
  }

 private:
  static constexpr auto kBlock = static_cast<std::size_t>(kKeyBlock);
  static constexpr bool kTwoWays = kSteps<X> > 1;  // whether blocks that serve both ways are two
  static_assert(kBlock % kStrip == 0 && kBlock % kSteps<X> == 0);

  template <class Memory>
  void lay_out(Memory& from, std::size_t D, std::size_t heads, std::size_t T,
               std::size_t own_rows) {
    const std::size_t stride = row_stride(D);
    keys.stride = queries.stride = rows.stride = stride;
    keys.key = take_as<X>(from, units<X>(kBlock) * stride);
    keys.key_lanes = take_as<X>(from, kBlock * units<X>(D));
    keys.value_lanes = take_as<X>(from, kBlock * units<X>(D));
    keys.grad_key = from.take(kBlock * stride);
    keys.grad_value = from.take(kBlock * stride);
    lay_out_tile(from);
    lay_out_rows(from, D, heads, T);
    grad_query = from.take(own_rows * stride);
  }

  template <class Memory>
  void lay_out_tile(Memory& from) {
    tile.stride = tile.row_stride = row_stride(kBlock);
    tile.weight = take_as<X>(from, units<X>(kBlock) * tile.stride);
    tile.grad_score = tile.grad_score_rows = take_as<X>(from, units<X>(kBlock) * tile.stride);
    if constexpr (kTwoWays) {
      tile.row_stride = row_stride(units<X>(kBlock));
      tile.grad_score_rows = take_as<X>(from, kBlock * tile.row_stride);
      tile.scratch = {from.take(kRows * kStrip), from.take(kRows * kStrip), kStrip};
    }
  }

  template <class Memory>
  void lay_out_rows(Memory& from, std::size_t D, std::size_t heads, std::size_t T) {
    rows.T = T;
    rows.query = rows.query_rows = take_as<X>(from, heads * units<X>(T) * rows.stride);
    rows.grad_out = rows.grad_out_rows = take_as<X>(from, heads * units<X>(T) * rows.stride);
    rows.row_stride = queries.row_stride = row_stride(units<X>(D));
    if constexpr (kTwoWays) {
      rows.query_rows = take_as<X>(from, heads * T * rows.row_stride);
      rows.grad_out_rows = take_as<X>(from, heads * T * rows.row_stride);
    }
  }
};

}  // namespace sinkwise::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
