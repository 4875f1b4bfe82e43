// Which scores of a tile count. Rows are lanes in the forward and tile rows in the backward.
#if defined(SINKWISE_MASK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SINKWISE_MASK_INL_H
#undef SINKWISE_MASK_INL_H
#else
#define SINKWISE_MASK_INL_H
#endif

#include "cpu/row_range.h"
#include "cpu/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {

// The ranges of the kLanes rows that stand side by side in one vector.
struct LaneRanges {
  VectorI begin, end;
};

HWY_INLINE LaneRanges lane_ranges(const RowRange* rows) {
  HWY_ALIGN std::int32_t begin[kLanes], end[kLanes];
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    begin[lane] = rows[lane].begin;
    end[lane] = rows[lane].end;
  }
  return {hn::Load(I(), begin), hn::Load(I(), end)};
}

// Lanes whose row sees `key`.
HWY_INLINE MaskF rows_that_see(const LaneRanges& rows, std::int32_t key) {
  const VectorI keys = hn::Set(I(), key);
  return hn::RebindMask(F(), hn::AndNot(hn::Lt(keys, rows.begin), hn::Lt(keys, rows.end)));
}

// Lanes of the keys `first_key` ... `first_key + kLanes - 1` that `row` sees.
HWY_INLINE MaskF keys_seen_by(const RowRange& row, std::int32_t first_key) {
  const VectorI keys = hn::Iota(I(), first_key);
  return hn::RebindMask(
      F(), hn::AndNot(hn::Lt(keys, hn::Set(I(), row.begin)), hn::Lt(keys, hn::Set(I(), row.end))));
}

}  // namespace sinkwise::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
