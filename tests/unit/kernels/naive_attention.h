#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "sinkwise/kernels/attention.h"

namespace sinkwise::kernels {

// Attention by its definition, one row at a time: in float64 what the kernels are held against, in
// float32 the yardstick of how much error a plain program makes. Arrays are contiguous: query-like
// [B, H, T, D], key-like [B, K, S, D], rows [B, H, T].
template <class Real>
struct NaiveAttention {
  using Values = std::vector<Real>;

  AttentionProblem p;  // sizes and options; its pointers are not read, but for document_start
  Values query, key, value, sink;        // sink [H], empty for none
  Values grad_out, grad_lse, grad_gate;  // upstream
  Real (*round_out)(Real) = nullptr;     // how `out` is kept for the backward

  Values out, lse, gate;
  Values grad_query, grad_key, grad_value, grad_sink;

  // Sums of the squares of all terms that a product with P or dS adds up: if P and dS are rounded
  // first, with relative errors of deviation u and independent signs, then each result's error has
  // the deviation u sqrt(square).
  struct Squares {
    Values out, grad_query, grad_key, grad_value, grad_sink;
  };
  Squares square;

  void run() {
    out.assign(query.size(), 0);
    lse.assign(static_cast<std::size_t>(p.B * p.H * p.T), 0);
    gate = lse;
    grad_query.assign(query.size(), 0);
    grad_key.assign(key.size(), 0);
    grad_value.assign(value.size(), 0);
    grad_sink.assign(sink.size(), 0);
    square = {out, grad_query, grad_key, grad_value, grad_sink};
    for (std::int64_t b = 0; b < p.B; ++b) {
      for (std::int64_t h = 0; h < p.H; ++h) {
        for (std::int64_t i = 0; i < p.T; ++i) row(b, h, i);
      }
    }
  }

 private:
  bool sees(std::int64_t b, std::int64_t i, std::int64_t j) const {
    const std::int64_t position = i + p.S - p.T;
    if (p.causal && j > position) return false;
    if (p.window > 0 && j <= position - p.window) return false;
    if (p.window > 0 && !p.causal && j >= position + p.window) return false;
    if (p.document_start == nullptr) return true;
    const std::int64_t* start = p.document_start + b * p.T;
    return p.causal ? j >= start[i] : start[i] == start[j];
  }

  // sum[index] += weight * x. weight_square: of errors that reach the weight from elsewhere.
  static void add(Values& sum, Values& squares, std::int64_t index, Real weight, Real x,
                  Real weight_square = 0) {
    sum[static_cast<std::size_t>(index)] += weight * x;
    squares[static_cast<std::size_t>(index)] += (weight * weight + weight_square) * x * x;
  }

  Real dot(const Real* a, const Real* b) const {
    Real sum = 0;
    for (std::int64_t d = 0; d < p.D; ++d) sum += a[d] * b[d];
    return sum;
  }

  void row(std::int64_t b, std::int64_t h, std::int64_t i) {
    const std::int64_t at = (b * p.H + h) * p.T + i;
    const std::int64_t head = (b * p.K + h / (p.H / p.K)) * p.S * p.D;
    const Real* q = query.data() + at * p.D;
    std::vector<std::int64_t> keys;
    Values score;
    const Real z =
        sink.empty() ? -std::numeric_limits<Real>::infinity() : sink[static_cast<std::size_t>(h)];
    Real top = z;
    for (std::int64_t j = 0; j < p.S; ++j) {
      if (!sees(b, i, j)) continue;
      keys.push_back(j);
      score.push_back(static_cast<Real>(p.scale) * dot(q, key.data() + head + j * p.D));
      top = std::max(top, score.back());
    }
    const std::int64_t first = p.document_start == nullptr ? 0 : p.document_start[b * p.T + i];
    Real& L = lse[static_cast<std::size_t>(at)];
    L = -INFINITY;
    if (top > -INFINITY) {
      Real total = sink.empty() ? 0 : std::exp(z - top);
      for (Real s : score) total += std::exp(s - top);
      L = top + std::log(total);
    }
    const Real sink_weight = sink.empty() || z == -INFINITY ? 0 : std::exp(z - L);
    Real first_weight = 0, key_weights = 0;
    for (std::size_t n = 0; n < keys.size(); ++n) {
      const Real weight = std::exp(score[n] - L);
      if (keys[n] == first) first_weight = weight;
      key_weights += weight;
      for (std::int64_t d = 0; d < p.D; ++d) {
        add(out, square.out, at * p.D + d, weight,
            value[static_cast<std::size_t>(head + keys[n] * p.D + d)]);
      }
    }
    const Real gate_weight = p.gate == Gate::sink ? sink_weight : first_weight;
    // 1 - P_sink without its cancellation where the sink has all but all the weight.
    gate[static_cast<std::size_t>(at)] = p.gate == Gate::sink ? key_weights : 1 - gate_weight;

    const Real* g = grad_out.data() + at * p.D;
    const Real dG = p.gate == Gate::none ? 0 : grad_gate[static_cast<std::size_t>(at)];
    const Real dL = grad_lse[static_cast<std::size_t>(at)];
    Values kept(out.begin() + at * p.D, out.begin() + (at + 1) * p.D);
    if (round_out != nullptr) {
      for (Real& x : kept) x = round_out(x);
    }
    const Real delta = dot(g, kept.data()) - dG * gate_weight - dL;
    Real delta_square = 0;
    for (std::int64_t d = 0; d < p.D; ++d) {
      delta_square += g[d] * g[d] * square.out[static_cast<std::size_t>(at * p.D + d)];
    }
    for (std::size_t n = 0; n < keys.size(); ++n) {
      const Real weight = std::exp(score[n] - L);
      const std::int64_t pair = head + keys[n] * p.D;
      const Real gate_term = p.gate == Gate::first_key && keys[n] == first ? dG : 0;
      const Real slope = static_cast<Real>(p.scale) * weight;
      const Real ds = slope * (dot(g, value.data() + pair) - gate_term - delta);
      const Real through_delta = slope * slope * delta_square;
      for (std::int64_t d = 0; d < p.D; ++d) {
        add(grad_query, square.grad_query, at * p.D + d, ds,
            key[static_cast<std::size_t>(pair + d)], through_delta);
        add(grad_key, square.grad_key, pair + d, ds, q[d], through_delta);
        add(grad_value, square.grad_value, pair + d, weight, g[d]);
      }
    }
    if (!sink.empty()) {
      grad_sink[static_cast<std::size_t>(h)] +=
          sink_weight * (-(p.gate == Gate::sink ? dG : 0) - delta);
      square.grad_sink[static_cast<std::size_t>(h)] += sink_weight * sink_weight * delta_square;
    }
  }
};

}  // namespace sinkwise::kernels
