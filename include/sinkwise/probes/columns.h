#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "sinkwise/nn/attention.h"

namespace sinkwise::probes {

// Where the attention of each head of one layer lands. A column is a key position of a window; its
// mass is the share of all attention weight of the window's rows that it receives, so the masses of
// a head add up to 1 (less where a learned sink takes its part).
struct ColumnHeads {
  std::vector<double> first;        // mass of the first column
  std::vector<double> largest;      // mass of the heaviest column, window by window, then averaged
  std::vector<double> top4;         // of the four heaviest columns together
  std::vector<double> elsewhere;    // of the heaviest column that is not the first; in a layer with
                                    // a window of W < T, where no column has more than W / T of all
                                    // attention, its share of that of W rows
  std::vector<double> sink_rate;    // Sink_1: share of windows whose first column has a mean weight
                                    // above 0.3 (arXiv 2410.10781: rows from it on; ours leaves out
                                    // the first row itself, whose weight is 1 by construction, and
                                    // rows that do not see it)
  std::vector<double> entropy;      // mean entropy of a row, nats
  std::vector<double> column_mean;  // [T] mass of each column, averaged over heads and windows
  std::vector<double> marked;       // mean weight on a marked column over the rows that may see it,
                                    // from its own on; NaN where no column was marked
};

// Accumulates records that were observed with gate (for its log-sum-exp) and heads. Weights are
// formed again from query, key and log-sum-exp, a block of rows at a time: memory grows with T.
class ColumnProbe {
 public:
  // Every window has length T >= 2 and begins a document. `scale` and `window` are those of the
  // layer.
  ColumnProbe(double scale, std::optional<std::int64_t> window) : scale_(scale), window_(window) {}

  // marked [B, T] bool: columns to be looked at together, such as special tokens; or undefined.
  void add(const nn::AttentionRecord& record, const at::Tensor& marked = {});
  ColumnHeads result() const;

 private:
  // query, key [H, T, D], lse [H, T], marked [T] or undefined.
  void add_window(const at::Tensor& query, const at::Tensor& key, const at::Tensor& lse,
                  const at::Tensor& marked);

  double scale_;
  std::optional<std::int64_t> window_;
  std::int64_t windows_ = 0;
  at::Tensor first_, largest_, top4_, elsewhere_, sinks_, entropy_;  // [H] sums over windows
  at::Tensor column_sum_;                                            // [T]
  at::Tensor marked_weight_;                                         // [H] sum
  double marked_rows_ = 0.0;
};

}  // namespace sinkwise::probes
