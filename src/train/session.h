#pragma once

#include <memory>
#include <vector>

#include <torch/torch.h>

#include "sinkwise/data/task.h"
#include "sinkwise/models/decoder/decoder.h"
#include "sinkwise/train/batch.h"
#include "sinkwise/train/evaluate.h"
#include "sinkwise/train/optimizer.h"
#include "sinkwise/train/run_config.h"
#include "sinkwise/train/step.h"

namespace sinkwise::train {

// Model, optimiser and task of one run in memory; knows nothing of disks. Borrows config and task.
class Session {
 public:
  // Builds the model with the starting weights of the run's seed.
  Session(const RunConfig& config, const data::Task& task);

  models::Decoder& model() { return *model_; }
  AdamW& optimizer() { return *optimizer_; }
  const models::DecoderConfig& model_config() const { return model_->config(); }

  double learning_rate(std::int64_t step) const;

  // The rows of a step (1, 2, ...), cut into micro-batches.
  std::vector<TensorBatch> batches(std::int64_t step) const;

  StepReport step(std::int64_t step, const at::Tensor& routed, bool observe);

  // [L, H] bool: the heads that a frozen balance statistic covers, chosen by the gates of the model
  // as it is now on the first calibration_rows training rows.
  at::Tensor calibrate() const;

  // `final` adds what is measured once, at the end of a run.
  Evaluation evaluate(bool final) const;

 private:
  StepOptions step_options(bool observe) const;

  const RunConfig& config_;
  const data::Task& task_;
  std::shared_ptr<models::Decoder> model_;
  std::unique_ptr<AdamW> optimizer_;
};

}  // namespace sinkwise::train
