// The terms of the backward that belong to a row and not to a pair: delta and the sink's gradient.
#if defined(SINKWISE_ROW_TERMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SINKWISE_ROW_TERMS_INL_H
#undef SINKWISE_ROW_TERMS_INL_H
#else
#define SINKWISE_ROW_TERMS_INL_H
#endif

#include <algorithm>
#include <limits>
#include <numbers>

#include "cpu/exponential-inl.h"
#include "cpu/pack-inl.h"
#include "cpu/task.h"

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {

template <class E>
HWY_INLINE float dot(const E* a, const E* b, std::size_t D) {
  const F tag;
  VectorF sum = hn::Zero(tag);
  std::size_t d = 0;
  for (; d + kLanes <= D; d += kLanes) {
    sum = hn::MulAdd(load_elements(tag, a + d), load_elements(tag, b + d), sum);
  }
  float total = hn::GetLane(hn::SumOfLanes(tag, sum));
  for (; d < D; ++d) total += to_float(a[d]) * to_float(b[d]);
  return total;
}

// 2^((score - lse) log2(e)) of `count` rows; score -inf gives 0.
inline void weights_of(const float* score, const float* lse, std::size_t count, float* weight) {
  const VectorF log2e = broadcast(std::numbers::log2e_v<float>);
  for (std::size_t i = 0; i < count; i += kLanes) {
    store(exp2(hn::Mul(hn::Sub(load(score + i), load(lse + i)), log2e)), weight + i);
  }
}

// Rows at a time: arrays on the stack, padded so that whole vectors may be read.
constexpr std::size_t kRowsAtOnce = 64;
struct RowArrays {
  HWY_ALIGN float score[kRowsAtOnce] = {}, lse[kRowsAtOnce] = {}, weight[kRowsAtOnce] = {};
};

// dO_i . out_i of `count` rows.
template <class E>
void output_terms(const SavedForward& saved, const Upstream& upstream, const RowTask& task,
                  std::int64_t row, std::size_t count, std::size_t D, float* term) {
  const E* grad_out = row_of<E>(upstream.out, task.b, task.h, row);
  const E* out = row_of<E>(saved.out, task.b, task.h, row);
  for (std::size_t i = 0; i < count; ++i) {
    term[i] = dot(grad_out, out, D);
    grad_out += upstream.out.strides.row;
    out += saved.out.strides.row;
  }
}

// Scores of the rows' first keys; -inf where a row does not see it.
template <class E>
void first_key_scores(const AttentionProblem& p, std::int64_t b, std::int64_t h, std::int64_t row,
                      std::size_t count, const std::vector<RowRange>& ranges, float* score) {
  const auto D = static_cast<std::size_t>(p.D);
  const RowRange* range = ranges.data() + row;
  const E* query = row_of<E>(p.query, b, h, row);
  const E* keys = row_of<E>(p.key, b, h / (p.H / p.K), 0);
  for (std::size_t i = 0; i < count; ++i, ++range, query += p.query.strides.row) {
    score[i] = range->sees(range->first)
                   ? p.scale * dot(query, keys + range->first * p.key.strides.row, D)
                   : -std::numeric_limits<float>::infinity();
  }
}

// P_i,sink of `count` rows. Where the sink has nearly all the weight, 1 - G is exact and exp(z - L)
// is not; where it has little, the other way round.
inline void sink_weights(float sink, const float* gate, std::size_t count, RowArrays& rows) {
  if (sink == -std::numeric_limits<float>::infinity()) {  // no weight, whatever L is
    std::fill_n(rows.weight, count, 0.0F);
    return;
  }
  std::fill_n(rows.score, count, sink);
  weights_of(rows.score, rows.lse, count, rows.weight);
  for (std::size_t i = 0; gate != nullptr && i < count; ++i) {
    if (gate[i] < 0.5F) rows.weight[i] = 1.0F - gate[i];
  }
}

// delta_i = dO_i . out_i - dG_i P_i,g - dL_i of rows [task.row_begin, task.row_end), and the sum
// over them of P_i,sink (-dG_i [gate is the sink] - delta_i), their part of the sink's gradient.
// For a gate at the sink that is P_i,sink (dL_i - dO_i . out_i - dG_i G_i), which does not cancel.
template <class E>
double row_terms(const AttentionProblem& p, const SavedForward& saved, const Upstream& upstream,
                 const RowTask& task, const std::vector<RowRange>& ranges, float* delta) {
  const auto D = static_cast<std::size_t>(p.D);
  const bool gate_used = p.gate != Gate::none && upstream.gate != nullptr;
  const bool sink_gate = gate_used && p.gate == Gate::sink;
  const bool first_gate = gate_used && p.gate == Gate::first_key;
  double sink_gradient = 0.0;
  RowArrays rows;
  for (std::int64_t row = task.row_begin; row < task.row_end; row += kRowsAtOnce) {
    const auto count = std::min(kRowsAtOnce, static_cast<std::size_t>(task.row_end - row));
    const std::int64_t at = (task.b * p.H + task.h) * p.T + row;
    const float* gate = sink_gate ? saved.gate + at : nullptr;
    const float* grad_gate = gate_used ? upstream.gate + at : nullptr;
    std::copy_n(saved.lse + at, count, rows.lse);
    std::fill_n(delta + at, count, 0.0F);
    if (upstream.out.data != nullptr)
      output_terms<E>(saved, upstream, task, row, count, D, delta + at);
    for (std::size_t i = 0; upstream.lse != nullptr && i < count; ++i) {
      delta[at + static_cast<std::int64_t>(i)] -= upstream.lse[at + static_cast<std::int64_t>(i)];
    }
    if (first_gate) {
      first_key_scores<E>(p, task.b, task.h, row, count, ranges, rows.score);
      weights_of(rows.score, rows.lse, count, rows.weight);
      for (std::size_t i = 0; i < count; ++i) {
        delta[at + static_cast<std::int64_t>(i)] -= grad_gate[i] * rows.weight[i];
      }
    }
    if (p.sink == nullptr) continue;
    sink_weights(p.sink[task.h], gate, count, rows);
    for (std::size_t i = 0; i < count; ++i) {
      float& row_delta = delta[at + static_cast<std::int64_t>(i)];
      double term = -static_cast<double>(row_delta);
      if (sink_gate) {
        row_delta -= grad_gate[i] * rows.weight[i];
        term -= static_cast<double>(grad_gate[i]) * static_cast<double>(gate[i]);
      }
      sink_gradient += static_cast<double>(rows.weight[i]) * term;
    }
  }
  return sink_gradient;
}

}  // namespace sinkwise::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
