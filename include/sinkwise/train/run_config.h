#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sinkwise/config/table.h"
#include "sinkwise/data/make_task.h"
#include "sinkwise/models/decoder/config.h"
#include "sinkwise/objectives/head_balance.h"
#include "sinkwise/train/optimizer.h"
#include "sinkwise/train/schedule.h"

namespace sinkwise::train {

enum class Precision {
  float32,
  bfloat16,  // activations in bfloat16; parameters, gradients and optimiser state stay float32
};

// Everything that a recipe can say. bind() is the one list of its keys.
struct RunConfig {
  struct Run {
    std::string directory;
    std::string label;
    std::int64_t seed = 0;
    std::int64_t threads = 0;  // 0: every core
    bool deterministic = true;
  } run;

  data::TaskOptions task;

  // As written; decoder() resolves the zeros.
  struct Model {
    std::int64_t layers = 4, width = 64, heads = 4, key_heads = 0, head_size = 0, mlp_hidden = 0;
    nn::MlpKind mlp = nn::MlpKind::swiglu;
    models::Positions positions = models::Positions::rotary;
    double rotary_base = 10000.0;
    bool tied_embedding = false, qk_norm = false;
    std::int64_t window = 0;
    std::vector<std::int64_t> windowed_layers;
    models::InitConfig init;
  } model;

  struct Attention {
    nn::Mechanism mechanism = nn::Mechanism::vanilla;
    double sink_init = 0.0;
    std::string path = "auto";
  } attention;

  objectives::BalanceConfig balance;
  std::int64_t calibration_rows = 64;

  AdamWConfig optimizer;
  ScheduleConfig schedule;
  double clip = 1.0;

  struct Train {
    std::int64_t steps = 400, batch_rows = 32, micro_rows = 0;
    Precision precision = Precision::float32;
    std::string init_from;
    std::int64_t bad_steps_in_row = 5;
  } train;

  struct Evaluation {
    std::int64_t every = 50, batch_rows = 32, ablation_rows = 256;
  } evaluation;

  std::int64_t log_every = 1;
  bool tensorboard = true;
  std::int64_t checkpoint_every = 100, checkpoint_keep = 2;

  // Sizes resolved against the task.
  models::DecoderConfig decoder(const data::Task& task) const;
  ops::PathSet paths() const;
  at::ScalarType compute_type() const;
};

// Declares every key with its default, unit, range and help. The table writes into `config`.
void bind(config::Table& table, RunConfig& config);

// What no single key can say, such as shared heads fewer than heads. Throws config::ConfigProblems
// with all of them.
void check(const RunConfig& config);

}  // namespace sinkwise::train
