#include "sinkwise/train/evaluate.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>

#include "sinkwise/core/head_limits.h"
#include "sinkwise/train/batch.h"

namespace sinkwise::train {
namespace {

using nlohmann::json;

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

// Sums over the positions of one group, or of all asked positions.
struct LossSum {
  double loss = 0.0, oracle = 0.0;
  std::int64_t rows = 0;

  void add(const at::Tensor& losses, const at::Tensor& oracle_losses, const at::Tensor& mask) {
    const at::Tensor zero = at::zeros({}, losses.options());
    loss += at::where(mask, losses, zero).sum(at::kDouble).item<double>();
    if (oracle_losses.defined()) {
      oracle += at::where(mask, oracle_losses, zero).sum(at::kDouble).item<double>();
    }
    rows += mask.sum().item<std::int64_t>();
  }

  double mean_loss() const { return rows > 0 ? loss / static_cast<double>(rows) : kNotANumber; }
  double mean_oracle() const { return rows > 0 ? oracle / static_cast<double>(rows) : kNotANumber; }
};

models::ForwardOptions forward_options(const EvaluationOptions& options) {
  models::ForwardOptions forward;
  forward.paths = options.paths;
  forward.compute_type = options.compute_type;
  return forward;
}

at::Tensor asked_mask(const TensorBatch& batch, const at::Tensor& losses) {
  if (!batch.targets.defined()) return at::ones_like(losses, at::kBool);
  return batch.targets != data::Batch::kIgnore;
}

// Mean loss over the asked positions of each row [B]; NaN without any.
void append_row_means(const at::Tensor& losses, const at::Tensor& mask, std::vector<double>& into) {
  const at::Tensor asked = at::where(mask, losses, at::zeros({}, losses.options()));
  const at::Tensor means = (asked.sum(1, false, at::kDouble) / mask.sum(1)).cpu();
  into.insert(into.end(), means.const_data_ptr<double>(),
              means.const_data_ptr<double>() + means.numel());
}

template <typename Use>
void for_each_batch(const data::Task& task, std::int64_t rows, const EvaluationOptions& options,
                    const Use& use) {
  for (std::int64_t first = 0; first < rows; first += options.batch_rows) {
    const std::int64_t count = std::min(options.batch_rows, rows - first);
    use(to_tensors(task.validation_batch(first, count), task.feature_size(), options.device));
  }
}

std::vector<std::vector<double>> measure_ablation(const models::LanguageModel& model,
                                                  const data::Task& task,
                                                  const EvaluationOptions& options) {
  std::vector<TensorBatch> batches;
  const std::int64_t rows = std::min(options.ablation_rows, task.validation_rows());
  for_each_batch(task, rows, options,
                 [&batches](TensorBatch batch) { batches.push_back(std::move(batch)); });
  auto loss = [&](const at::Tensor& head_scale) {
    models::ForwardOptions forward = forward_options(options);
    forward.head_scale = head_scale.to(options.device);
    LossSum sum;
    for (const TensorBatch& batch : batches) {
      forward.targets = batch.targets;
      const at::Tensor losses = position_losses(model.forward(batch.input, forward), batch);
      sum.add(losses, {}, asked_mask(batch, losses));
    }
    return sum.mean_loss();
  };
  return probes::ablation_costs(model.layers(), model.heads(), loss);
}

// How many heads of a layer share its ablation cost, averaged over layers as effective_heads is.
double effective_by_ablation(const std::vector<std::vector<double>>& costs) {
  double sum = 0.0;
  for (const auto& layer : costs) sum += probes::participation_ratio(layer);
  return sum / static_cast<double>(costs.size());
}

at::Tensor importance_tensor(const std::vector<probes::LayerHeads>& layers) {
  std::vector<at::Tensor> rows;
  for (const auto& layer : layers) rows.push_back(at::tensor(layer.importance, at::kDouble));
  return at::stack(rows);
}

json group_json(const Evaluation& evaluation) {
  json groups = json::object();
  for (const GroupLoss& group : evaluation.groups) {
    groups[group.name] = {{"loss", group.loss},
                          {"oracle", group.oracle},
                          {"excess", group.loss - group.oracle},
                          {"rows", group.rows}};
  }
  return groups;
}

json layer_json(const Evaluation& evaluation, std::size_t index) {
  const probes::LayerHeads& layer = evaluation.layers[index];
  const auto own = objectives::statistics(at::tensor(layer.importance, at::kDouble).unsqueeze(0));
  json result = {{"importance", layer.importance},
                 {"cv", evaluation.gates.cv[index]},
                 {"effective_heads", own.effective_heads},
                 {"mean_gate", own.mean_gate},
                 {"min_gate", own.min_gate},
                 {"max_gate", own.max_gate},
                 {"first_token_weight", layer.first_token_weight},
                 {"value_drain", layer.value_drain},
                 {"output_norm", layer.output_norm}};
  json by_group = json::object();
  for (std::size_t g = 0; g < layer.first_token_weight_by_group.size(); ++g) {
    by_group[evaluation.groups[g].name] = layer.first_token_weight_by_group[g];
  }
  result["first_token_weight_by_group"] = by_group;
  result["gate_histogram"] = layer.gate_histogram;
  if (!evaluation.ablation.empty()) result["ablation"] = evaluation.ablation[index];
  return result;
}

}  // namespace

Evaluation evaluate(const models::LanguageModel& model, const data::Task& task,
                    const EvaluationOptions& options) {
  torch::NoGradGuard no_grad;
  const std::vector<std::string> names = task.groups();
  probes::HeadProbe probe(static_cast<std::int64_t>(names.size()));
  models::ForwardOptions forward = forward_options(options);
  forward.observe = probes::HeadProbe::wanted();
  Evaluation result;
  LossSum all, grouped;
  std::vector<LossSum> sums(names.size());
  bool has_oracle = false;
  for_each_batch(task, task.validation_rows(), options, [&](const TensorBatch& batch) {
    forward.targets = batch.targets;
    const auto output = model.forward(batch.input, forward);
    const at::Tensor losses = position_losses(output, batch);
    has_oracle = batch.oracle.defined();
    const at::Tensor asked = asked_mask(batch, losses);
    all.add(losses, {}, asked);
    append_row_means(losses, asked, result.row_losses);
    for (std::size_t g = 0; g < names.size(); ++g) {
      const at::Tensor mask = batch.group == static_cast<std::int64_t>(g);
      sums[g].add(losses, batch.oracle, mask);
      grouped.add(losses, batch.oracle, mask);
    }
    probe.add(output.records, batch.group, batch.input.document_start);
  });
  result.loss = all.mean_loss();
  const double bytes = task.bytes_per_token();
  result.bits_per_byte = bytes > 0 ? result.loss / (std::numbers::ln2 * bytes) : kNotANumber;
  result.excess = has_oracle ? grouped.mean_loss() - grouped.mean_oracle() : kNotANumber;
  for (std::size_t g = 0; g < names.size(); ++g) {
    result.groups.push_back({names[g], sums[g].mean_loss(),
                             has_oracle ? sums[g].mean_oracle() : kNotANumber, sums[g].rows});
  }
  result.layers = probe.result();
  result.gates = objectives::statistics(importance_tensor(result.layers));
  if (options.ablation_rows > 0) result.ablation = measure_ablation(model, task, options);
  return result;
}

json to_json(const Evaluation& evaluation, bool full) {
  const objectives::BalanceStatistics& gates = evaluation.gates;
  double first_sum = 0.0, sink_heads = 0.0, heads = 0.0;
  json importance = json::array();
  for (const auto& layer : evaluation.layers) {
    importance.push_back(layer.importance);
    for (double weight : layer.first_token_weight) {
      first_sum += weight;
      sink_heads += weight > kSinkWeight ? 1.0 : 0.0;
      heads += 1.0;
    }
  }
  json result = {{"loss", evaluation.loss},
                 {"bits_per_byte", evaluation.bits_per_byte},
                 {"excess", evaluation.excess},
                 {"groups", group_json(evaluation)},
                 {"cv", gates.mean_cv},
                 {"mean_gate", gates.mean_gate},
                 {"min_gate", gates.min_gate},
                 {"max_gate", gates.max_gate},
                 {"effective_heads", gates.effective_heads},
                 {"first_token_weight", first_sum / heads},
                 {"sink_share", sink_heads / heads}};
  if (!full) {
    result["cv_layers"] = gates.cv;
    result["importance"] = importance;
    return result;
  }
  const auto& costs = evaluation.ablation;
  result["row_losses"] = evaluation.row_losses;
  result["effective_heads_ablation"] = costs.empty() ? kNotANumber : effective_by_ablation(costs);
  json layers = json::array();
  for (std::size_t n = 0; n < evaluation.layers.size(); ++n) {
    layers.push_back(layer_json(evaluation, n));
  }
  result["layers"] = layers;
  return result;
}

}  // namespace sinkwise::train
