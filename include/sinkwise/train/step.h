#pragma once

#include <vector>

#include <torch/torch.h>

#include "sinkwise/models/language_model.h"
#include "sinkwise/objectives/head_balance.h"
#include "sinkwise/train/batch.h"
#include "sinkwise/train/optimizer.h"

namespace sinkwise::train {

struct StepOptions {
  objectives::BalanceConfig balance;
  double clip = 1.0;     // gradient norm; 0: no clipping
  bool observe = false;  // report the importance of heads
  at::ScalarType compute_type = at::kFloat;
  ops::PathSet paths;
};

struct StepReport {
  double loss = 0.0;     // mean over the asked positions of the step
  double balance = 0.0;  // unweighted; what was added is lambda times this
  double gradient_norm = 0.0;
  bool skipped = false;   // not finite: parameters and optimiser were left untouched
  at::Tensor importance;  // [L, H] of the whole step; defined when StepOptions::observe asked
};

// One optimiser step over micro-batches. The loss is a mean over all asked positions of the step,
// so it does not depend on how the step is cut; whether the balance term does is
// BalanceConfig::scope. `routed` [L, H] bool are the heads that the balance statistic covers
// (undefined: it is recomputed from each batch).
StepReport train_step(const models::LanguageModel& model, AdamW& optimizer,
                      const std::vector<TensorBatch>& micro_batches, const at::Tensor& routed,
                      double learning_rate, const StepOptions& options);

// Whether the balance loss needs a pass over the step before the one that trains: its statistic is
// that of the whole step (BalanceScope::step), which is cut up.
bool reads_step_twice(const objectives::BalanceConfig& balance, bool cut);

// Gate sums of some batches, without gradients: the calibration pass.
objectives::GateSums observe_gates(const models::LanguageModel& model,
                                   const std::vector<TensorBatch>& batches,
                                   const StepOptions& options);

// Norms of the gradients of a step's two terms apart: cross entropy, and lambda times balance.
// Changes no parameter; leaves no gradient behind.
struct GradientNorms {
  double loss = 0.0, balance = 0.0;
};
GradientNorms gradient_norms(const models::LanguageModel& model, AdamW& optimizer,
                             const std::vector<TensorBatch>& micro_batches,
                             const at::Tensor& routed, const StepOptions& options);

// [L, H]: the loss-free biases of every layer as one tensor, and back.
void move_gate_biases(const models::LanguageModel& model, const at::Tensor& importance,
                      double rate);

}  // namespace sinkwise::train
