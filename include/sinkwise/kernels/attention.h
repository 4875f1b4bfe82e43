#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace sinkwise::kernels {

// Type of query, key, value, out and of their gradients. Everything else is float32, and so is
// every sum inside the kernels.
enum class Element { float32, bfloat16 };

// What a row's gate is read from (docs/mathematics.md).
enum class Gate { none, first_key, sink };

// A tensor of logical shape [B, heads, rows, D] whose last dimension has stride 1. The other
// strides count elements and may be 0 (expanded) or negative. No alignment is needed beyond the
// element's own.
struct Strides {
  std::int64_t batch = 0, head = 0, row = 0;
};
struct Input {
  const void* data = nullptr;
  Strides strides;
};
struct Output {
  void* data = nullptr;
  Strides strides;
};

// One call of attention. B batch, H query heads, K key/value heads (K divides H; head h reads key
// head h / (H / K)), T query rows, S keys, D head size. Row i stands at position i + S - T among
// the keys; which keys it sees is the rule of row_range.h.
struct AttentionProblem {
  std::int64_t B = 0, H = 0, K = 0, T = 0, S = 0, D = 0;
  Element element = Element::float32;
  float scale = 1.0F;
  bool causal = true;
  std::int64_t window = 0;  // keys a row reaches, its own included; 0: no limit
  Gate gate = Gate::none;
  Input query;                                   // [B, H, T, D]
  Input key, value;                              // [B, K, S, D]
  const float* sink = nullptr;                   // [H] logits without a value, or none
  const std::int64_t* document_start = nullptr;  // [B, T] contiguous: f(i), or one document a row
};

struct ForwardResult {
  Output out;             // [B, H, T, D]
  float* lse = nullptr;   // [B, H, T] contiguous; natural, the sink included; -inf of an empty row
  float* gate = nullptr;  // [B, H, T] contiguous; unused with Gate::none
};

// Upstream gradients; those that are absent count as zero.
struct Upstream {
  Input out;                    // [B, H, T, D]
  const float* lse = nullptr;   // [B, H, T]
  const float* gate = nullptr;  // [B, H, T]
};

struct SavedForward {
  Input out;                    // [B, H, T, D]
  const float* lse = nullptr;   // [B, H, T]
  const float* gate = nullptr;  // [B, H, T]; read with Gate::sink only
};

struct Gradients {
  Output query;           // [B, H, T, D]
  Output key, value;      // [B, K, S, D]
  float* sink = nullptr;  // [H], or absent
};

// How the kernels use more than one thread: `run(n, work)` calls work(0) ... work(n - 1), at the
// same time where it can. Backward returns the same bits for the same `threads`, forward for any.
struct Executor {
  std::int64_t threads = 1;
  std::function<void(std::int64_t, const std::function<void(std::int64_t)>&)> run;
};
Executor serial_executor();

// Why the kernels cannot serve this problem; none if they can. Reads no tensor but
// `document_start`.
std::optional<std::string> decline_reason(const AttentionProblem& problem);

// Attention with an implicit gate in one pass over the keys, and its gradients in one pass more
// (docs/kernels.md). Nothing of size T x S is ever formed; keys out of a row's sight are neither
// multiplied nor allowed to matter, NaN included. Needs decline_reason() to be empty.
void attention_forward(const AttentionProblem& problem, const ForwardResult& result,
                       const Executor& executor);
void attention_backward(const AttentionProblem& problem, const SavedForward& saved,
                        const Upstream& upstream, const Gradients& gradients,
                        const Executor& executor);

}  // namespace sinkwise::kernels
