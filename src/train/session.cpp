#include "session.h"

#include <algorithm>

namespace sinkwise::train {
namespace {

std::vector<std::pair<std::string, at::Tensor>> named_parameters(const models::Decoder& model) {
  std::vector<std::pair<std::string, at::Tensor>> parameters;
  for (const auto& item : model.named_parameters()) {
    parameters.emplace_back(item.key(), item.value());
  }
  return parameters;
}

}  // namespace

Session::Session(const RunConfig& config, const data::Task& task)
    : config_(config),
      task_(task),
      model_(std::make_shared<models::Decoder>(config.decoder(task))) {
  models::initialise(*model_, config.model.init, static_cast<std::uint64_t>(config.run.seed));
  optimizer_ = std::make_unique<AdamW>(named_parameters(*model_), config.optimizer);
}

double Session::learning_rate(std::int64_t step) const {
  return config_.optimizer.lr * learning_rate_fraction(config_.schedule, step, config_.train.steps);
}

std::vector<TensorBatch> Session::batches(std::int64_t step) const {
  const std::int64_t rows = config_.train.batch_rows;
  const std::int64_t micro = config_.train.micro_rows > 0 ? config_.train.micro_rows : rows;
  std::vector<TensorBatch> result;
  for (std::int64_t first = 0; first < rows; first += micro) {
    const auto batch = task_.train_batch(step, first, std::min(micro, rows - first));
    result.push_back(to_tensors(batch, task_.feature_size(), at::kCPU));
  }
  return result;
}

StepReport Session::step(std::int64_t step, const at::Tensor& routed, bool observe) {
  return train_step(*model_, *optimizer_, batches(step), routed, learning_rate(step),
                    step_options(observe));
}

at::Tensor Session::calibrate() const {
  const auto& c = model_->config();
  if (config_.balance.shared_heads == 0) return at::ones({c.layers, c.attention.heads}, at::kBool);
  objectives::GateSums sums;
  std::int64_t rows = 0;
  for (std::int64_t step = 1; rows < config_.calibration_rows; ++step) {
    sums.add(observe_gates(*model_, batches(step), step_options(true)));
    rows += config_.train.batch_rows;
  }
  return objectives::routed_heads(sums.importance(), config_.balance.shared_heads);
}

Evaluation Session::evaluate(bool final) const {
  EvaluationOptions options;
  options.batch_rows = config_.evaluation.batch_rows;
  options.ablation_rows = final ? config_.evaluation.ablation_rows : 0;
  options.compute_type = config_.compute_type();
  options.paths = config_.paths();
  return train::evaluate(*model_, task_, options);
}

StepOptions Session::step_options(bool observe) const {
  return {config_.balance, config_.clip, observe, config_.compute_type(), config_.paths()};
}

}  // namespace sinkwise::train
