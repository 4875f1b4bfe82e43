#pragma once

#include <cstdint>
#include <string>

#include <c10/core/ScalarType.h>

#include "sinkwise/config/table.h"
#include "sinkwise/objectives/head_balance.h"
#include "sinkwise/train/optimizer.h"
#include "sinkwise/train/schedule.h"

namespace sinkwise::train {

enum class Precision {
  float32,
  bfloat16,  // activations in bfloat16; parameters, gradients and optimiser state stay float32
};

// What the training loop reads, whatever it trains.
struct LoopConfig {
  struct Run {
    std::string directory;
    std::string label;
    std::int64_t seed = 0;
    std::int64_t threads = 0;  // 0: every core
    bool deterministic = true;
  } run;

  objectives::BalanceConfig balance;
  std::int64_t calibration_rows = 64;

  AdamWConfig optimizer;
  ScheduleConfig schedule;
  double clip = 1.0;

  struct Train {
    std::int64_t steps = 400, batch_rows = 32, micro_rows = 0;
    Precision precision = Precision::float32;
    std::int64_t bad_steps_in_row = 5;
  } train;

  struct Evaluation {
    std::int64_t every = 50, batch_rows = 32, ablation_rows = 256;
  } evaluation;

  std::int64_t log_every = 1;
  bool tensorboard = true;
  std::int64_t checkpoint_every = 100, checkpoint_keep = 2;

  at::ScalarType compute_type() const;
};

// Declare the keys with default, unit, range and help: run.*; balance.*, optim.* and train.*;
// eval.*, log.* and checkpoint.*. The table writes into `config`.
void bind_run(config::Table& table, LoopConfig& config);
void bind_training(config::Table& table, LoopConfig& config);
void bind_output(config::Table& table, LoopConfig& config);

}  // namespace sinkwise::train
