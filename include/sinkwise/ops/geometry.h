#pragma once

#include <cstdint>
#include <optional>

#include <ATen/core/Tensor.h>

namespace sinkwise::ops {

// What a row's gate is read from (docs/mathematics.md).
enum class Gate {
  none,       // no gate is returned
  first_key,  // 1 - weight of the first token of the row's document
  sink,       // 1 - weight of the learned sink logit
};

// Which keys each query row may see. T query rows meet S keys; the rows are the last T positions of
// the keys (aligned at the bottom right, as in decoding with a cache), so row i stands at position
// p(i) = i + S - T.
//   causal   j <= p(i)
//   window   p(i) - W < j, and j < p(i) + W when not causal: W keys including the row's own
//   document j >= document_start[b, i] when causal; the same document when not (needs T = S)
struct Geometry {
  std::int64_t queries = 0;  // T
  std::int64_t keys = 0;     // S
  bool causal = true;
  std::optional<std::int64_t> window;  // W >= 1; none means unlimited
  at::Tensor document_start;  // [B, T] int64, index of a key; undefined: one document a row
};

// Rows at the top that see no key at all (T > S and causal).
std::int64_t empty_rows(const Geometry& geometry);

// True where the window, the documents or T != S restrict more than plain causal order does.
bool needs_mask(const Geometry& geometry);

// [B or 1, 1, T, S] bool, true where row i may see key j. Memory grows with T * S.
at::Tensor visible_keys(const Geometry& geometry, at::Device device);

// [B or 1, T] int64: f(i), the key index of the first token of the row's document.
at::Tensor first_key(const Geometry& geometry, at::Device device);

// [B or 1, T] bool: rows whose gate is not fixed by construction. With Gate::first_key that leaves
// out the row i = f(i) itself (causal) and rows whose window no longer reaches f(i); with
// Gate::sink it leaves out rows that see no key. Objective and probes use this one rule.
at::Tensor informative_rows(const Geometry& geometry, Gate gate, at::Device device);

// [B or 1, T] bool: rows that may see their first key at all.
at::Tensor first_key_visible(const Geometry& geometry, at::Device device);

}  // namespace sinkwise::ops
