#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "sinkwise/nn/attention.h"

namespace sinkwise::probes {

// What each head of one layer did over a set of batches. Vectors have one entry a query head.
struct LayerHeads {
  std::vector<double> importance;          // Imp_h: mean gate over informative rows
  std::vector<double> first_token_weight;  // mean P_i,f(i) over rows i != f(i) that see f(i)
  std::vector<std::vector<double>>
      first_token_weight_by_group;  // [group][H]; NaN for an empty group
  std::vector<double> value_drain;  // mean ||v_f|| / mean ||v_j||, j != f, of the head's key head
  std::vector<double> output_norm;  // HONOR: mean ||o_i|| (arXiv 2504.03889)
  std::vector<std::vector<double>> gate_histogram;  // [H][kGateBins] share of informative rows
};

inline constexpr std::int64_t kGateBins = 20;  // equal bins over [0, 1]

// Accumulates records in float64. Ask the model for kWanted.
class HeadProbe {
 public:
  // `groups` is how many groups of positions are told apart; positions outside them count for the
  // rest.
  explicit HeadProbe(std::int64_t groups);

  // What the probe needs to see.
  static nn::Observe wanted();

  // group [B, T] uint8 indices (255: none) or undefined; document_start [B, T] or undefined.
  void add(const std::vector<nn::AttentionRecord>& records, const at::Tensor& group,
           const at::Tensor& document_start);

  std::vector<LayerHeads> result() const;

 private:
  struct LayerSums;
  void add_layer(LayerSums& sums, const nn::AttentionRecord& record, const at::Tensor& group,
                 const at::Tensor& document_start) const;

  std::int64_t groups_;
  std::vector<std::shared_ptr<LayerSums>> layers_;
};

// Rise of the loss when the output of one head is set to zero, [L][H], in the unit of `loss`.
// `loss(head_scale)` evaluates the model under the [L, H] factors; it is called L * H + 1 times.
std::vector<std::vector<double>> ablation_costs(
    std::int64_t layers, std::int64_t heads,
    const std::function<double(const at::Tensor& head_scale)>& loss);

// (sum x)^2 / sum x^2 over the positive parts: how many heads share the whole; 0 when all are 0.
double participation_ratio(const std::vector<double>& values);

}  // namespace sinkwise::probes
