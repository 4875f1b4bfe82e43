#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sinkwise/data/make_task.h"
#include "sinkwise/models/decoder/config.h"
#include "sinkwise/ops/attention.h"
#include "sinkwise/train/loop_config.h"

namespace sinkwise::train {

// Everything that a recipe can say. bind() is the one list of its keys.
struct RunConfig : LoopConfig {
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

  std::string init_from;  // a run whose newest checkpoint gives the starting weights

  // Sizes resolved against the task.
  models::DecoderConfig decoder(const data::Task& task) const;
  ops::PathSet paths() const;
};

// Declares every key of a recipe with its default, unit, range and help. The table writes into
// `config`.
void bind(config::Table& table, RunConfig& config);

// What no single key can say, such as shared heads fewer than heads. Throws config::ConfigProblems
// with all of them.
void check(const RunConfig& config);

}  // namespace sinkwise::train
