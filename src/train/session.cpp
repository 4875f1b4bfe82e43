#include "session.h"

#include <algorithm>

namespace sinkwise::train {
namespace {

std::vector<std::pair<std::string, at::Tensor>> trained_parameters(
    const models::LanguageModel& model) {
  std::vector<std::pair<std::string, at::Tensor>> parameters;
  for (const auto& item : model.named_parameters()) {
    if (item.value().requires_grad()) parameters.emplace_back(item.key(), item.value());
  }
  return parameters;
}

}  // namespace

Session::Session(const LoopConfig& config, Experiment experiment)
    : config_(config),
      experiment_(std::move(experiment)),
      optimizer_(
          std::make_unique<AdamW>(trained_parameters(*experiment_.model), config.optimizer)) {}

double Session::learning_rate(std::int64_t step) const {
  return config_.optimizer.lr * learning_rate_fraction(config_.schedule, step, config_.train.steps);
}

std::vector<TensorBatch> Session::batches(std::int64_t step) const {
  const std::int64_t rows = config_.train.batch_rows;
  const std::int64_t micro = config_.train.micro_rows > 0 ? config_.train.micro_rows : rows;
  const data::Task& task = *experiment_.task;
  std::vector<TensorBatch> result;
  for (std::int64_t first = 0; first < rows; first += micro) {
    const auto batch = task.train_batch(step, first, std::min(micro, rows - first));
    result.push_back(to_tensors(batch, task.feature_size(), at::kCPU));
  }
  return result;
}

StepReport Session::step(std::int64_t step, const at::Tensor& routed, bool observe) {
  return train_step(*experiment_.model, *optimizer_, batches(step), routed, learning_rate(step),
                    step_options(observe));
}

at::Tensor Session::calibrate() const {
  const models::LanguageModel& model = *experiment_.model;
  if (config_.balance.shared_heads == 0 && !experiment_.choose_routed) {
    return at::ones({model.layers(), model.heads()}, at::kBool);
  }
  objectives::GateSums sums;
  std::int64_t rows = 0;
  for (std::int64_t step = 1; rows < config_.calibration_rows; ++step) {
    sums.add(observe_gates(model, batches(step), step_options(true)));
    rows += config_.train.batch_rows;
  }
  const at::Tensor importance = sums.importance();
  return experiment_.choose_routed
             ? experiment_.choose_routed(importance)
             : objectives::routed_heads(importance, config_.balance.shared_heads);
}

void Session::prepare() {
  if (experiment_.before_training) {
    experiment_.before_training(*optimizer_, batches(1), step_options(true));
  }
}

Evaluation Session::evaluate(bool final) const {
  EvaluationOptions options;
  options.batch_rows = config_.evaluation.batch_rows;
  options.ablation_rows = final ? config_.evaluation.ablation_rows : 0;
  options.compute_type = config_.compute_type();
  options.paths = experiment_.paths;
  return train::evaluate(*experiment_.model, *experiment_.task, options);
}

StepOptions Session::step_options(bool observe) const {
  return {config_.balance, config_.clip, observe, config_.compute_type(), experiment_.paths};
}

}  // namespace sinkwise::train
