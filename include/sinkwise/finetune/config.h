#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sinkwise/pretrained/adapter.h"
#include "sinkwise/pretrained/export.h"
#include "sinkwise/train/loop_config.h"

namespace sinkwise::finetune {

enum class Method {
  lora,  // corrections of low rank to some linear layers (arXiv 2106.09685)
  full,  // every parameter
};

// Everything that a fine-tuning run can be told. bind() is the one list of its keys.
struct FinetuneConfig : train::LoopConfig {
  std::string model;  // what pretrained::Model::open() opens

  enum class Begin { always, tokenizer, never };
  struct Data {
    Begin begin = Begin::always;
    std::vector<std::string> files, validation_files;
    std::int64_t length = 512;
    double validation_fraction = 0.05;
    std::int64_t validation_rows = 16;
  } data;

  Method method = Method::lora;
  pretrained::AdapterConfig lora;

  nn::Mechanism mechanism = nn::Mechanism::vanilla;  // to convert to; vanilla: as the model is
  double mechanism_start = 0.0;                      // 0: the usual one

  // A layer is left out of the balance when at calibration its mean gate is above and its CV below:
  // it has nothing to balance. Above 1: no layer is.
  double open_gate = 0.85, open_cv = 0.05;

  bool recompute = false;
  pretrained::ExportType export_type = pretrained::ExportType::stored;

  // What mending a pretrained model asks for where a run from scratch asks for something else.
  // `heads` is the model's H: about a quarter of them are shared. The learning rate is 1e-3 for
  // corrections of low rank and 5e-5 for every parameter, as the Trainer of transformers has it.
  static FinetuneConfig defaults(std::int64_t heads, Method method);

  pretrained::Conversion conversion() const;

  // Where new sinks start, against the smallest log-sum-exp L of their head on the calibration
  // rows: at -12 they take at most 6e-6 of any of those rows, and have a gradient.
  double sink_margin() const;
};

// Declares every key with its default, unit, range and help. The table writes into `config`.
void bind(config::Table& table, FinetuneConfig& config);

// What no single key can say. Throws config::ConfigProblems with all of them.
void check(const FinetuneConfig& config);

}  // namespace sinkwise::finetune
