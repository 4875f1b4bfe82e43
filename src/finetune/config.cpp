#include "sinkwise/finetune/config.h"

#include <cmath>

#include "sinkwise/core/head_limits.h"
#include "sinkwise/core/text.h"

namespace sinkwise::finetune {

using config::above;
using config::at_least;
using config::Table;
using config::within;

FinetuneConfig FinetuneConfig::defaults(std::int64_t heads, Method method) {
  FinetuneConfig config;
  config.balance.form = objectives::BalanceForm::cv;
  config.balance.lambda = 1e-2;
  config.balance.shared_heads = heads < 3 ? 0 : quarter_of_heads(heads);
  config.calibration_rows = 16;
  config.optimizer.lr = method == Method::full ? 5e-5 : 1e-3;
  config.optimizer.weight_decay = 0.0;
  config.schedule.warmup_steps = 5;
  config.train.steps = 60;
  config.train.batch_rows = 4;
  config.evaluation.every = 20;
  config.evaluation.batch_rows = 1;
  config.evaluation.ablation_rows = 0;
  config.checkpoint_every = 20;
  return config;
}

pretrained::Conversion FinetuneConfig::conversion() const {
  pretrained::Conversion conversion = pretrained::Conversion::to(mechanism);
  if (mechanism_start != 0.0 && nn::is_gated(mechanism)) conversion.start = mechanism_start;
  return conversion;
}

double FinetuneConfig::sink_margin() const {
  return mechanism_start == 0.0 ? -12.0 : mechanism_start;
}

namespace {

constexpr double kFarGate = 12.0;  // sigmoid: 6e-6 from 0 or 1

void bind_data(Table& table, FinetuneConfig& config) {
  table.add("data.files", config.data.files,
            "text files; *.jsonl: a document a line, with text, messages or segments");
  table.add("data.validation_files", config.data.validation_files,
            "held-out files; empty: a part of data.files");
  table.add("data.validation_fraction", config.data.validation_fraction,
            "share of data.files held out", {.range = within(0, 1)});
  table.add("data.validation_rows", config.data.validation_rows,
            "held-out rows of each evaluation, at most", {.unit = "rows", .range = at_least(1)});
  table.choice("data.begin", config.data.begin,
               {{"always", FinetuneConfig::Begin::always},
                {"tokenizer", FinetuneConfig::Begin::tokenizer},
                {"never", FinetuneConfig::Begin::never}},
               "a beginning token in front of every document: where the tokenizer knows one, where "
               "it would put one itself, nowhere");
  table.add("data.length", config.data.length, "positions of one row, T",
            {.unit = "tokens", .range = within(2, 1 << 20)});
}

void bind_method(Table& table, FinetuneConfig& config) {
  table.choice("method", config.method, {{"lora", Method::lora}, {"full", Method::full}},
               "corrections of low rank, or every parameter");
  table.add("lora.rank", config.lora.rank, "rank of a correction", {.range = within(1, 4096)});
  table.add("lora.alpha", config.lora.alpha, "a correction is scaled by alpha / rank",
            {.range = above(0)});
  table.add("lora.targets", config.lora.targets,
            "linear layers by the end of their names, such as q_proj or mlp.up_proj");
  table.choice("mechanism.convert", config.mechanism,
               {{"none", nn::Mechanism::vanilla},
                {"sink", nn::Mechanism::sink},
                {"gated_headwise", nn::Mechanism::gated_headwise},
                {"gated_elementwise", nn::Mechanism::gated_elementwise}},
               "gives a model of plain softmax attention another mechanism, computing at first "
               "what it did");
  table.add("mechanism.start", config.mechanism_start,
            "sinks: logit against the head's smallest log-sum-exp on a text; gates: logit; 0: "
            "-12 for sinks, 4 for gates",
            {.unit = "nats", .range = within(-30, 30)});
  table.add("balance.open_gate", config.open_gate,
            "a layer whose mean gate is above this, and CV below open_cv, is left out",
            {.range = at_least(0)});
  table.add("balance.open_cv", config.open_cv, "see balance.open_gate", {.range = at_least(0)});
}

}  // namespace

void bind(Table& table, FinetuneConfig& config) {
  table.add("model", config.model, "folder (config.json and safetensors) or GGUF file");
  train::bind_run(table, config);
  bind_data(table, config);
  bind_method(table, config);
  train::bind_training(table, config);
  table.add("train.recompute", config.recompute,
            "go through each layer again in the backward pass: less memory, more time",
            {.resumable = true});
  train::bind_output(table, config);
  table.choice("export.dtype", config.export_type,
               {{"stored", pretrained::ExportType::stored},
                {"float32", pretrained::ExportType::float32},
                {"bfloat16", pretrained::ExportType::bfloat16}},
               "numbers of the folder that comes out; stored: as the model had them",
               {.resumable = true});
}

void check(const FinetuneConfig& config) {
  std::vector<config::Problem> problems;
  if (config.run.directory.empty())
    problems.push_back({"run.directory", "", "missing", "--out DIR"});
  if (config.model.empty()) {
    problems.push_back({"model", "", "missing", "sinkwise finetune MODEL --data FILES --out DIR"});
  }
  if (config.data.files.empty()) problems.push_back({"data.files", "", "missing", "--data FILES"});
  if (config.balance.form == objectives::BalanceForm::loss_free) {
    problems.push_back(
        {"balance.form", "", "loss_free moves biases that no other tool would load", "use cv"});
  }
  if (config.schedule.warmup_steps > config.train.steps) {
    problems.push_back(
        {"optim.warmup_steps", "", concat("longer than train.steps = ", config.train.steps), ""});
  }
  if (config.method == Method::lora && config.lora.targets.empty()) {
    problems.push_back({"lora.targets", "", "none: nothing would be trained", "q_proj,v_proj"});
  }
  if (config.mechanism == nn::Mechanism::vanilla && config.mechanism_start != 0.0) {
    problems.push_back({"mechanism.start", "", "without mechanism.convert it does nothing",
                        "mechanism.convert=sink"});
  }
  if (nn::is_gated(config.mechanism) && std::abs(config.mechanism_start) > kFarGate) {
    problems.push_back({"mechanism.start", "",
                        concat("a gate that begins at the logit ", config.mechanism_start,
                               " hardly moves, and shut it leaves nothing of its head"),
                        concat("-", kFarGate, " to ", kFarGate)});
  }
  if (!problems.empty()) {
    throw config::ConfigProblems(std::move(problems), "all keys: sinkwise finetune --keys");
  }
}

}  // namespace sinkwise::finetune
