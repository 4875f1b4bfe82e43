#include "sinkwise/probes/heads.h"

#include <limits>
#include <memory>

#include <torch/torch.h>

#include "vectors.h"

namespace sinkwise::probes {
namespace {

// A running mean over the rows of [B, H, T] that a [B or 1, T] mask admits, one a head.
struct MaskedMean {
  at::Tensor sum;    // [H]
  at::Tensor count;  // scalar

  void add(const at::Tensor& values, const at::Tensor& mask) {
    const at::Tensor wide = mask.expand({values.size(0), values.size(2)});
    const at::Tensor admitted =
        at::where(wide.unsqueeze(1), values.to(at::kDouble), at::zeros({}, at::kDouble));
    add_to(sum, admitted.sum(at::IntArrayRef{0, 2}));
    add_to(count, wide.sum());
  }

  // NaN where no row was admitted.
  at::Tensor mean() const { return sum / count.to(at::kDouble); }
};

// [B or 1, T] bool: the first token of each document.
at::Tensor first_tokens(const at::Tensor& document_start, std::int64_t T) {
  const at::Tensor position = at::arange(T, at::kLong).unsqueeze(0);
  if (!document_start.defined()) return position == 0;
  return document_start.to(at::kCPU, at::kLong) == position;
}

// [H, kGateBins] counts of gate values on admitted rows.
at::Tensor histogram_counts(const at::Tensor& gate, const at::Tensor& mask) {
  const auto H = gate.size(1);
  const at::Tensor bin = (gate.to(at::kDouble) * kGateBins).floor().clamp(0, kGateBins - 1);
  const at::Tensor admitted =
      mask.expand({gate.size(0), gate.size(2)}).unsqueeze(1).expand_as(gate).to(at::kDouble);
  const at::Tensor by_head = bin.to(at::kLong).transpose(0, 1).reshape({H, -1});
  return at::zeros({H, kGateBins}, at::kDouble)
      .scatter_add(1, by_head, admitted.transpose(0, 1).reshape({H, -1}));
}

}  // namespace

struct HeadProbe::LayerSums {
  MaskedMean gate, first_weight, output_norm, first_value, other_value;
  std::vector<MaskedMean> group_first_weight;
  at::Tensor histogram;  // [H, kGateBins]
};

HeadProbe::HeadProbe(std::int64_t groups) : groups_(groups) {}

nn::Observe HeadProbe::wanted() {
  return {.gate = true,
          .first_key_weight = true,
          .weights = false,
          .value_norm = true,
          .output_norm = true};
}

void HeadProbe::add(const std::vector<nn::AttentionRecord>& records, const at::Tensor& group,
                    const at::Tensor& document_start) {
  torch::NoGradGuard no_grad;
  while (layers_.size() < records.size()) {
    layers_.push_back(std::make_shared<LayerSums>());
    layers_.back()->group_first_weight.resize(static_cast<std::size_t>(groups_));
  }
  for (std::size_t layer = 0; layer < records.size(); ++layer) {
    add_layer(*layers_[layer], records[layer], group, document_start);
  }
}

void HeadProbe::add_layer(LayerSums& sums, const nn::AttentionRecord& record,
                          const at::Tensor& group, const at::Tensor& document_start) const {
  const at::Tensor gate = record.gate.to(at::kCPU), informative = record.informative.to(at::kCPU);
  const auto T = gate.size(2);
  const at::Tensor first = first_tokens(document_start, T), later = first.logical_not();
  sums.gate.add(gate, informative);
  add_to(sums.histogram, histogram_counts(gate, informative));
  const at::Tensor first_weight = record.first_key_weight.to(at::kCPU);
  const at::Tensor sees_first = record.sees_first.to(at::kCPU);
  sums.first_weight.add(first_weight, sees_first);
  for (std::int64_t g = 0; group.defined() && g < groups_; ++g) {
    sums.group_first_weight[static_cast<std::size_t>(g)].add(
        first_weight, sees_first.logical_and(group.to(at::kCPU) == g));
  }
  sums.output_norm.add(record.output_norm.to(at::kCPU), at::ones_like(first));
  const at::Tensor value_norm =
      record.value_norm.to(at::kCPU).repeat_interleave(gate.size(1) / record.value_norm.size(1), 1);
  sums.first_value.add(value_norm, first);
  sums.other_value.add(value_norm, later);
}

std::vector<LayerHeads> HeadProbe::result() const {
  std::vector<LayerHeads> heads;
  for (const auto& sums : layers_) {
    LayerHeads layer;
    layer.importance = to_vector(sums->gate.mean());
    layer.first_token_weight = to_vector(sums->first_weight.mean());
    for (const MaskedMean& mean : sums->group_first_weight) {
      const auto H = layer.importance.size();
      layer.first_token_weight_by_group.push_back(
          mean.sum.defined() ? to_vector(mean.mean())
                             : std::vector<double>(H, std::numeric_limits<double>::quiet_NaN()));
    }
    layer.value_drain = to_vector(sums->first_value.mean() / sums->other_value.mean());
    layer.output_norm = to_vector(sums->output_norm.mean());
    const at::Tensor share = sums->histogram / sums->histogram.sum(1, true).clamp_min(1);
    for (std::int64_t h = 0; h < share.size(0); ++h)
      layer.gate_histogram.push_back(to_vector(share[h]));
    heads.push_back(std::move(layer));
  }
  return heads;
}

std::vector<std::vector<double>> ablation_costs(
    std::int64_t layers, std::int64_t heads,
    const std::function<double(const at::Tensor& head_scale)>& loss) {
  torch::NoGradGuard no_grad;
  const double whole = loss(at::ones({layers, heads}));
  std::vector<std::vector<double>> costs(static_cast<std::size_t>(layers));
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    for (std::int64_t head = 0; head < heads; ++head) {
      at::Tensor scale = at::ones({layers, heads});
      scale[layer][head] = 0.0;
      costs[static_cast<std::size_t>(layer)].push_back(loss(scale) - whole);
    }
  }
  return costs;
}

double participation_ratio(const std::vector<double>& values) {
  double sum = 0.0, squares = 0.0;
  for (double value : values) {
    const double positive = std::max(value, 0.0);
    sum += positive;
    squares += positive * positive;
  }
  return squares == 0.0 ? 0.0 : sum * sum / squares;
}

}  // namespace sinkwise::probes
