#pragma once

#include <memory>
#include <vector>

#include <torch/torch.h>

#include "sinkwise/train/batch.h"
#include "sinkwise/train/evaluate.h"
#include "sinkwise/train/experiment.h"
#include "sinkwise/train/loop_config.h"
#include "sinkwise/train/optimizer.h"
#include "sinkwise/train/step.h"

namespace sinkwise::train {

// Model, optimiser and task of one run in memory; knows nothing of disks. Borrows config.
class Session {
 public:
  Session(const LoopConfig& config, Experiment experiment);

  models::LanguageModel& model() { return *experiment_.model; }
  AdamW& optimizer() { return *optimizer_; }
  const Experiment& experiment() const { return experiment_; }

  double learning_rate(std::int64_t step) const;

  // The rows of a step (1, 2, ...), cut into micro-batches.
  std::vector<TensorBatch> batches(std::int64_t step) const;

  StepReport step(std::int64_t step, const at::Tensor& routed, bool observe);

  // [L, H] bool: the heads that a frozen balance statistic covers, chosen by the gates of the model
  // as it is now on the first calibration_rows training rows.
  at::Tensor calibrate() const;

  // Calls Experiment::before_training.
  void prepare();

  // `final` adds what is measured once, at the end of a run.
  Evaluation evaluate(bool final) const;

 private:
  StepOptions step_options(bool observe) const;

  const LoopConfig& config_;
  Experiment experiment_;
  std::unique_ptr<AdamW> optimizer_;
};

}  // namespace sinkwise::train
