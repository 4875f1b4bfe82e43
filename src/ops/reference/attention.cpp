#include <torch/torch.h>

#include "dtypes.h"
#include "sinkwise/ops/attention_reference.h"

namespace sinkwise::ops {
namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

// log(sum_j exp(x_j)) over the last dimension; -inf with zero gradient where every x_j is -inf,
// where the stock function would send NaN back.
at::Tensor log_sum_exp(const at::Tensor& x) {
  const at::Tensor peak = x.amax(-1, true).detach();
  const at::Tensor shift = at::where(peak == kMinusInfinity, at::zeros_like(peak), peak);
  const at::Tensor sum = (x - shift).exp().sum(-1);  // at least 1 unless the row is empty
  const at::Tensor empty = sum == 0;
  const at::Tensor log_sum = at::where(empty, at::ones_like(sum), sum).log() + shift.squeeze(-1);
  return at::where(empty, at::full_like(sum, kMinusInfinity), log_sum);
}

// [B, H, T, S] scaled scores in the accumulation dtype, not yet masked.
at::Tensor scores_of(const at::Tensor& query, const at::Tensor& key, const Geometry& geometry,
                     const ReferenceOptions& options) {
  const at::Tensor repeated = key.repeat_interleave(query.size(1) / key.size(1), 1);
  at::Tensor scores = at::matmul(query, repeated.transpose(-1, -2)) * options.scale;
  scores = scores.to(accumulation_type(query.scalar_type()));
  if (options.first_key_bias.defined()) {
    const at::Tensor columns = at::arange(geometry.keys, scores.options().dtype(at::kLong));
    const at::Tensor is_first =
        columns == first_key(geometry, query.device()).unsqueeze(1).unsqueeze(-1);
    scores =
        scores + is_first * options.first_key_bias.to(scores.scalar_type()).view({1, -1, 1, 1});
  }
  return scores;
}

// Softmax over the visible keys and the sink, which joins as one more column without a value.
void softmax_weights(at::Tensor scores, const at::Tensor& visible, const at::Tensor& sink,
                     ReferenceResult& result) {
  const auto S = scores.size(-1);
  scores = scores.masked_fill(visible.logical_not(), kMinusInfinity);
  if (sink.defined()) {
    const at::Tensor column = sink.to(scores.scalar_type())
                                  .view({1, -1, 1, 1})
                                  .expand({scores.size(0), scores.size(1), scores.size(2), 1});
    scores = at::cat({scores, column}, -1);
  }
  if (scores.size(-1) == 0) {
    result.lse = at::full({scores.size(0), scores.size(1), scores.size(2)}, kMinusInfinity,
                          scores.options());
    result.weights = scores;
    return;
  }
  result.lse = log_sum_exp(scores);
  const at::Tensor shift =
      at::where(result.lse == kMinusInfinity, at::zeros_like(result.lse), result.lse);
  const at::Tensor weights = (scores - shift.unsqueeze(-1)).exp();
  result.weights = weights.narrow(-1, 0, S);
  if (sink.defined()) result.sink_weight = weights.select(-1, S);
}

// The unnormalised controls; see ScoreFunction.
void control_weights(const at::Tensor& scores, const at::Tensor& visible, ScoreFunction function,
                     ReferenceResult& result) {
  const at::Tensor count = visible.sum(-1, true).clamp_min(1).to(scores.scalar_type());
  const at::Tensor raw =
      function == ScoreFunction::sigmoid ? (scores - count.log()).sigmoid() : scores.relu() / count;
  result.weights = raw.masked_fill(visible.logical_not(), 0.0);
  result.lse = result.weights.sum(-1).log();
}

at::Tensor first_weight(const at::Tensor& weights, const Geometry& geometry) {
  if (geometry.keys == 0) return at::zeros_like(weights.sum(-1));
  const at::Tensor index = first_key(geometry, weights.device())
                               .unsqueeze(1)
                               .unsqueeze(-1)
                               .expand({weights.size(0), weights.size(1), -1, 1});
  return weights.gather(-1, index).squeeze(-1);
}

at::Tensor gate_of(const ReferenceResult& result, const Geometry& geometry,
                   const ReferenceOptions& options) {
  if (options.gate == Gate::none) return {};
  if (options.gate == Gate::sink) return 1.0 - result.sink_weight;
  const at::Tensor first = first_weight(result.weights, geometry);
  if (options.score_function == ScoreFunction::softmax) return 1.0 - first;
  const at::Tensor total = result.weights.sum(-1);
  const at::Tensor safe = at::where(total == 0, at::ones_like(total), total);
  return at::where(total == 0, at::zeros_like(total), 1.0 - first / safe);
}

}  // namespace

ReferenceResult reference_attention(const at::Tensor& query, const at::Tensor& key,
                                    const at::Tensor& value, const at::Tensor& sink,
                                    const Geometry& geometry, const ReferenceOptions& options) {
  const at::Tensor scores = scores_of(query, key, geometry, options);  // [B, H, T, S]
  const at::Tensor visible = visible_keys(geometry, query.device());   // [B or 1, 1, T, S]
  ReferenceResult result;
  if (options.score_function == ScoreFunction::softmax) {
    softmax_weights(scores, visible, sink, result);
  } else {
    control_weights(scores, visible, options.score_function, result);
  }
  const at::Tensor repeated = value.repeat_interleave(query.size(1) / value.size(1), 1);
  result.out = at::matmul(result.weights.to(value.scalar_type()), repeated);
  result.gate = gate_of(result, geometry, options);
  return result;
}

}  // namespace sinkwise::ops
