#include "sinkwise/ops/geometry.h"

#include <algorithm>

#include <torch/torch.h>

namespace sinkwise::ops {
namespace {

// [1, T] int64: p(i).
at::Tensor row_positions(const Geometry& geometry, at::Device device) {
  const std::int64_t offset = geometry.keys - geometry.queries;
  return at::arange(offset, geometry.keys, at::dtype(at::kLong).device(device)).unsqueeze(0);
}

// [1, T] bool: true for the rows of [begin, end). Written in place, since every layer of a training
// step asks.
at::Tensor rows_marked(std::int64_t T, std::int64_t begin, std::int64_t end, at::Device device) {
  at::Tensor rows = at::empty({1, T}, at::dtype(at::kBool));
  begin = std::clamp<std::int64_t>(begin, 0, T);
  end = std::clamp<std::int64_t>(end, begin, T);
  bool* marked = rows.mutable_data_ptr<bool>();
  std::fill_n(marked, T, false);
  std::fill(marked + begin, marked + end, true);
  return rows.to(device);
}

}  // namespace

std::int64_t empty_rows(const Geometry& geometry) {
  if (geometry.keys == 0) return geometry.queries;
  if (!geometry.causal) {
    // A window that reaches no key: p(i) + W <= 0.
    if (!geometry.window) return 0;
    const std::int64_t reach = geometry.queries - geometry.keys - *geometry.window + 1;
    return std::clamp<std::int64_t>(reach, 0, geometry.queries);
  }
  return std::clamp<std::int64_t>(geometry.queries - geometry.keys, 0, geometry.queries);
}

bool needs_mask(const Geometry& geometry) {
  const bool window_binds = geometry.window && *geometry.window < geometry.keys;
  const bool shifted = geometry.causal && geometry.queries != geometry.keys;
  const bool window_misses = geometry.window && geometry.queries > geometry.keys;
  return window_binds || window_misses || shifted || geometry.document_start.defined();
}

at::Tensor visible_keys(const Geometry& geometry, at::Device device) {
  const at::Tensor row = row_positions(geometry, device).unsqueeze(-1);  // [1, T, 1]
  const at::Tensor key = at::arange(geometry.keys, at::dtype(at::kLong).device(device));  // [S]
  at::Tensor visible = geometry.causal ? key <= row : (key >= 0).logical_or(row >= 0);
  if (geometry.window) {
    visible = visible.logical_and(key > row - *geometry.window);
    if (!geometry.causal) visible = visible.logical_and(key < row + *geometry.window);
  }
  if (geometry.document_start.defined()) {
    const at::Tensor start = geometry.document_start.to(device).unsqueeze(-1);  // [B, T, 1]
    const at::Tensor same =
        geometry.causal ? key >= start : start == geometry.document_start.to(device).unsqueeze(1);
    visible = visible.logical_and(same);
  }
  return visible.unsqueeze(1);  // [B or 1, 1, T, S]
}

at::Tensor first_key(const Geometry& geometry, at::Device device) {
  if (geometry.document_start.defined()) return geometry.document_start.to(device);
  return at::zeros({1, geometry.queries}, at::dtype(at::kLong).device(device));
}

at::Tensor first_key_visible(const Geometry& geometry, at::Device device) {
  const at::Tensor distance = row_positions(geometry, device) - first_key(geometry, device);
  at::Tensor visible = geometry.causal ? distance >= 0 : at::ones_like(distance, at::kBool);
  if (geometry.window) {
    visible = visible.logical_and(distance < *geometry.window);
    if (!geometry.causal) visible = visible.logical_and(distance > -*geometry.window);
  }
  return geometry.keys == 0 ? at::zeros_like(visible) : visible;
}

at::Tensor informative_rows(const Geometry& geometry, Gate gate, at::Device device) {
  const std::int64_t T = geometry.queries, offset = geometry.keys - geometry.queries;
  if (gate != Gate::first_key) return rows_marked(T, empty_rows(geometry), T, device);
  if (!geometry.document_start.defined() && geometry.keys > 0) {
    // The first key is key 0: positions after it (or, not causal, on both sides) that reach it.
    const std::int64_t reach = geometry.window.value_or(T + geometry.keys);
    return rows_marked(T, (geometry.causal ? 1 : 1 - reach) - offset, reach - offset, device);
  }
  const at::Tensor visible = first_key_visible(geometry, device);
  if (!geometry.causal) return visible;
  return visible.logical_and(row_positions(geometry, device) != first_key(geometry, device));
}

}  // namespace sinkwise::ops
