#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "sinkwise/nn/attention.h"

namespace sinkwise::probes {

// How queries and keys of one layer lie, as the scores see them (normalised and rotated). One entry
// a query head; heads that share a key head share what is said of its keys.
struct GeometryHeads {
  std::vector<double> cosine_first;    // mean over rows i > 0 of cos(q_i, k_0)
  std::vector<double> cosine_others;   // mean over rows i > 0 and keys j > 0 of cos(q_i, k_j); the
                                       // causal order is ignored (ours)
  std::vector<double> norms_first;     // mean over rows i > 0 of ||q_i|| ||k_0||
  std::vector<double> norms_others;    // the same with the mean ||k_j||, j > 0
  std::vector<double> key_norm_ratio;  // ||k_0|| over the mean ||k_j||, j > 0
  std::vector<double> key_rank;        // effective rank of the keys: exp of the entropy of their
                                       // singular values, scaled to add up to 1 (Roy and Vetterli
                                       // 2007); from 1 to D
};

// Accumulates records that were observed with heads. Every window has length T >= 2 and begins a
// document.
class GeometryProbe {
 public:
  void add(const nn::AttentionRecord& record);
  GeometryHeads result() const;

 private:
  std::int64_t windows_ = 0;
  at::Tensor cosine_first_, cosine_others_, first_norm_, other_norm_;  // [H] sums over windows
  at::Tensor norms_first_, norms_others_;                              // [H] likewise
  at::Tensor gram_;  // [K, D, D] float64: sum of k k^T over all positions
  std::int64_t groups_ = 1;
};

}  // namespace sinkwise::probes
