#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "sinkwise/data/task.h"
#include "sinkwise/models/language_model.h"
#include "sinkwise/ops/attention.h"
#include "sinkwise/train/evaluate.h"
#include "sinkwise/train/run_config.h"
#include "sinkwise/train/step.h"

namespace sinkwise::train {

// What the loop trains, and on what.
struct Experiment {
  std::shared_ptr<const data::Task> task;
  std::shared_ptr<models::LanguageModel> model;  // parameters that require gradients are trained
  std::string mechanism;                         // as result.json names it
  std::int64_t parameters = 0;                   // of the whole model
  std::string identity;  // of what it starts from, beside recipe and data; may be empty
  double training_flops_per_token = 0.0;
  ops::PathSet paths;

  // Once, before the first step of a fresh run: weights from elsewhere. May be empty.
  std::function<void()> start;

  // Which heads [L, H] bool a frozen balance statistic covers, by the importance [L, H] of a
  // calibration pass over the first training rows, which takes place when this is set or heads are
  // shared. Empty: all but the most important balance.shared_heads of each layer.
  std::function<at::Tensor(const at::Tensor& importance)> choose_routed;

  // Once, after choose_routed and before the first step of a fresh run, with that step's rows.
  std::function<void(AdamW&, const std::vector<TensorBatch>&, const StepOptions&)> before_training;

  // What an evaluation says beside its own figures: members of a validation line and of
  // result.json's "final". May be empty.
  std::function<nlohmann::json(const Evaluation&)> extra;
};

// A decoder with the starting weights of the run's seed, on the task of a recipe.
Experiment from_scratch(const RunConfig& config);

}  // namespace sinkwise::train
