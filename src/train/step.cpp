#include "sinkwise/train/step.h"

#include <cmath>

namespace sinkwise::train {
namespace {

using objectives::BalanceForm;
using objectives::BalanceScope;
using objectives::GateSums;

bool adds_loss(BalanceForm form) {
  return form != BalanceForm::none && form != BalanceForm::loss_free;
}

std::int64_t asked(const std::vector<TensorBatch>& batches) {
  std::int64_t total = 0;
  for (const TensorBatch& batch : batches) total += batch.asked;
  return total;
}

std::int64_t rows_of(const TensorBatch& batch) {
  const auto& input = batch.input;
  return (input.tokens.defined() ? input.tokens : input.features).size(0);
}

models::ForwardOptions forward_options(const StepOptions& options, const TensorBatch& batch,
                                       bool observe) {
  models::ForwardOptions forward;
  forward.targets = batch.targets;
  forward.observe.gate = observe;
  forward.paths = options.paths;
  forward.compute_type = options.compute_type;
  return forward;
}

// The balance term of a step. At the importance of its batch the objective has a value and a slope
// for every head; slope * Imp has the same gradient and is linear in G, so that micro-batches can
// add to it one by one, and that gradient is known before the backward pass begins. CV^2 itself is
// not linear in the batch: with the scope `step` the slope is that of the whole step, which takes
// a first forward pass over it if it is cut up.
class BalanceTerm {
 public:
  BalanceTerm(const models::LanguageModel& model, const std::vector<TensorBatch>& batches,
              const at::Tensor& routed, const StepOptions& options)
      : config_(options.balance), routed_(routed) {
    if (reads_step_twice(config_, batches.size() > 1)) {
      set_slope(observe_gates(model, batches, options), 1.0);
    }
    whole_step_ = slope_.defined();
  }

  // [L, H]: lambda * d objective / d sums of this micro-batch; undefined when nothing is added.
  // `share` is its part of the step's rows.
  at::Tensor slope(const GateSums& sums, double share) {
    if (!adds_loss(config_.form)) return {};
    if (!whole_step_) set_slope(sums, share);
    return slope_;
  }

  double value() const { return value_; }

 private:
  void set_slope(const GateSums& sums, double share) {
    torch::NoGradGuard no_grad;
    const at::Tensor importance = sums.importance();
    const auto balance = objectives::balance_slope(importance, routed_at(importance), config_.form);
    value_ += share * balance.value;
    slope_ = (balance.slope / sums.count.clamp_min(1)).mul_(share * config_.lambda);
  }

  at::Tensor routed_at(const at::Tensor& importance) const {
    if (routed_.defined()) return routed_;
    return objectives::routed_heads(importance, config_.shared_heads);
  }

  const objectives::BalanceConfig& config_;
  at::Tensor routed_;
  at::Tensor slope_;  // [L, H]: lambda * d objective / d sums
  bool whole_step_ = false;
  double value_ = 0.0;
};

// The backward pass of loss + sum over layers of slope * sums; either may be undefined. The second
// term enters as the gradient of each gate, which is a constant: there is nothing for autograd to
// record.
void backward(const at::Tensor& loss, const std::vector<nn::AttentionRecord>& records,
              const at::Tensor& slope) {
  std::vector<at::Tensor> roots, gradients;
  if (loss.defined()) {
    roots.push_back(loss);
    gradients.push_back(at::ones_like(loss));
  }
  for (std::size_t layer = 0; slope.defined() && layer < records.size(); ++layer) {
    if (!records[layer].gate.requires_grad()) continue;
    const at::Tensor of_layer = slope[static_cast<std::int64_t>(layer)];
    roots.push_back(records[layer].gate);
    gradients.push_back(objectives::gate_gradient(records[layer], of_layer));
  }
  if (!roots.empty()) torch::autograd::backward(roots, gradients);
}

double rows_of_all(const std::vector<TensorBatch>& batches) {
  double rows = 0.0;
  for (const TensorBatch& batch : batches) rows += static_cast<double>(rows_of(batch));
  return rows;
}

}  // namespace

bool reads_step_twice(const objectives::BalanceConfig& balance, bool cut) {
  return cut && adds_loss(balance.form) && balance.scope == BalanceScope::step;
}

StepReport train_step(const models::LanguageModel& model, AdamW& optimizer,
                      const std::vector<TensorBatch>& micro_batches, const at::Tensor& routed,
                      double learning_rate, const StepOptions& options) {
  const BalanceForm form = options.balance.form;
  const bool observe = options.observe || form != BalanceForm::none;
  const double positions = static_cast<double>(std::max<std::int64_t>(asked(micro_batches), 1));
  const double rows = rows_of_all(micro_batches);
  optimizer.zero_gradients();
  BalanceTerm balance(model, micro_batches, routed, options);
  GateSums sums;
  StepReport report;
  for (const TensorBatch& batch : micro_batches) {
    const auto output = model.forward(batch.input, forward_options(options, batch, observe));
    const at::Tensor loss = summed_loss(output, batch) / positions;
    report.loss += loss.item<double>();
    at::Tensor slope;
    if (observe) {
      torch::NoGradGuard no_grad;
      const GateSums part = GateSums::of(output.records);
      slope = balance.slope(part, static_cast<double>(rows_of(batch)) / rows);
      sums.add(part);
    }
    backward(loss, output.records, slope);
  }
  report.balance = balance.value();
  if (options.observe || form == BalanceForm::loss_free) report.importance = sums.importance();
  report.gradient_norm = optimizer.clip_gradients(options.clip);
  report.skipped = !std::isfinite(report.loss) || !std::isfinite(report.balance) ||
                   !std::isfinite(report.gradient_norm);
  if (report.skipped) return report;
  optimizer.step(learning_rate);
  if (form == BalanceForm::loss_free) {
    move_gate_biases(model, report.importance, options.balance.loss_free_rate);
  }
  return report;
}

GradientNorms gradient_norms(const models::LanguageModel& model, AdamW& optimizer,
                             const std::vector<TensorBatch>& micro_batches,
                             const at::Tensor& routed, const StepOptions& options) {
  const double positions = static_cast<double>(std::max<std::int64_t>(asked(micro_batches), 1));
  const double rows = rows_of_all(micro_batches);
  auto norm_of = [&](bool of_loss) {
    optimizer.zero_gradients();
    BalanceTerm balance(model, micro_batches, routed, options);
    for (const TensorBatch& batch : micro_batches) {
      const auto output = model.forward(batch.input, forward_options(options, batch, true));
      if (of_loss) {
        backward(summed_loss(output, batch) / positions, {}, {});
      } else {
        const double share = static_cast<double>(rows_of(batch)) / rows;
        backward({}, output.records, balance.slope(GateSums::of(output.records), share));
      }
    }
    return optimizer.clip_gradients(0.0);
  };
  const GradientNorms norms{norm_of(true), norm_of(false)};
  optimizer.zero_gradients();
  return norms;
}

objectives::GateSums observe_gates(const models::LanguageModel& model,
                                   const std::vector<TensorBatch>& batches,
                                   const StepOptions& options) {
  torch::NoGradGuard no_grad;
  GateSums sums;
  for (const TensorBatch& batch : batches) {
    models::ForwardOptions forward = forward_options(options, batch, true);
    sums.add(GateSums::of(model.forward(batch.input, forward).records));
  }
  return sums;
}

void move_gate_biases(const models::LanguageModel& model, const at::Tensor& importance,
                      double rate) {
  for (std::int64_t layer = 0; layer < model.layers(); ++layer) {
    at::Tensor bias = model.gate_bias(layer);  // [H]
    if (!bias.defined()) continue;
    objectives::loss_free_step(bias.unsqueeze(0), importance[layer].unsqueeze(0), rate);
  }
}

}  // namespace sinkwise::train
