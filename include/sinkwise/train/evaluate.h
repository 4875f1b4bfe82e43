#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "sinkwise/data/task.h"
#include "sinkwise/models/language_model.h"
#include "sinkwise/objectives/head_balance.h"
#include "sinkwise/probes/heads.h"

namespace sinkwise::train {

struct EvaluationOptions {
  std::int64_t batch_rows = 32;
  std::int64_t ablation_rows = 0;  // rows behind the cost of zeroing each head; 0: not measured
  at::ScalarType compute_type = at::kFloat;
  at::Device device = at::kCPU;
  ops::PathSet paths;
};

struct GroupLoss {
  std::string name;
  double loss = 0.0;    // mean over the group's positions
  double oracle = 0.0;  // of the best predictor on the same positions
  std::int64_t rows = 0;
};

// The held-out rows of a task through a model.
struct Evaluation {
  double loss = 0.0;               // mean over the asked positions
  double bits_per_byte = 0.0;      // NaN when the task is not text
  double excess = 0.0;             // loss - oracle over grouped positions; NaN without an oracle
  std::vector<double> row_losses;  // mean of each held-out row; NaN where nothing is asked
  std::vector<GroupLoss> groups;
  std::vector<probes::LayerHeads> layers;
  objectives::BalanceStatistics gates;        // of the importances in `layers`
  std::vector<std::vector<double>> ablation;  // [L][H] rise of the loss; empty when not measured
};

Evaluation evaluate(const models::LanguageModel& model, const data::Task& task,
                    const EvaluationOptions& options);

// The object that result.json holds under "final" (docs/run_directory.md); `full` adds the arrays
// of each layer that only the last evaluation needs.
nlohmann::json to_json(const Evaluation& evaluation, bool full);

}  // namespace sinkwise::train
