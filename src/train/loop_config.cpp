#include "sinkwise/train/loop_config.h"

namespace sinkwise::train {

using config::above;
using config::at_least;
using config::from_below;
using config::Table;
using config::within;
using objectives::BalanceScope;
using objectives::SharedChoice;

namespace {

void bind_balance(Table& table, LoopConfig& config) {
  objectives::BalanceConfig& balance = config.balance;
  table.choice("balance.form", balance.form, objectives::balance_form_names(),
               "what is added to the loss so that no head stays idle");
  table.add("balance.lambda", balance.lambda, "weight of the unweighted balance term",
            {.range = at_least(0)});
  table.add("balance.shared_heads", balance.shared_heads,
            "most important heads of each layer that are left out, m", {.range = at_least(0)});
  table.choice("balance.shared_choice", balance.shared_choice,
               {{"frozen", SharedChoice::frozen}, {"recomputed", SharedChoice::recomputed}},
               "shared heads chosen once before the first step, or for each batch");
  table.choice("balance.scope", balance.scope,
               {{"step", BalanceScope::step}, {"micro_batch", BalanceScope::micro_batch}},
               "what CV is formed over when a step has several micro-batches");
  table.add("balance.loss_free_rate", balance.loss_free_rate,
            "loss_free: how far a bias moves in one step", {.unit = "nats", .range = at_least(0)});
  table.add("balance.calibration_rows", config.calibration_rows,
            "training rows of the pass that chooses frozen shared heads",
            {.unit = "rows", .range = at_least(1)});
}

void bind_optimizer(Table& table, LoopConfig& config) {
  AdamWConfig& adam = config.optimizer;
  table.add("optim.lr", adam.lr, "learning rate at the peak", {.range = above(0)});
  table.add("optim.beta1", adam.beta1, "decay of the first moment", {.range = from_below(0, 1)});
  table.add("optim.beta2", adam.beta2, "decay of the second moment", {.range = from_below(0, 1)});
  table.add("optim.epsilon", adam.epsilon, "added to the root of the second moment",
            {.range = above(0)});
  table.add("optim.weight_decay", adam.weight_decay,
            "decoupled decay of matrices; norms, biases and sinks have none",
            {.range = at_least(0)});
  table.add("optim.clip", config.clip, "largest joint norm of all gradients; 0: no clipping",
            {.range = at_least(0)});
  table.choice("optim.schedule", config.schedule.kind,
               {{"cosine", ScheduleKind::cosine},
                {"warmup_stable_decay", ScheduleKind::warmup_stable_decay},
                {"constant", ScheduleKind::constant}},
               "course of the learning rate after warm-up");
  table.add("optim.warmup_steps", config.schedule.warmup_steps, "steps up to the peak",
            {.unit = "steps", .range = at_least(0)});
  table.add("optim.final_fraction", config.schedule.final_fraction,
            "learning rate at the last step, as a part of the peak", {.range = within(0, 1)});
  table.add("optim.decay_fraction", config.schedule.decay_fraction,
            "warmup_stable_decay: part of all steps in which it falls", {.range = within(0, 1)});
}

void bind_train(Table& table, LoopConfig& config) {
  table.add("train.steps", config.train.steps, "optimiser steps",
            {.unit = "steps", .range = at_least(1)});
  table.add("train.batch_rows", config.train.batch_rows, "rows of one step",
            {.unit = "rows", .range = at_least(1)});
  table.add("train.micro_rows", config.train.micro_rows,
            "rows of one forward pass; 0: the whole step at once",
            {.unit = "rows", .range = at_least(0)});
  table.choice("train.precision", config.train.precision,
               {{"float32", Precision::float32}, {"bfloat16", Precision::bfloat16}},
               "dtype of activations; parameters stay float32");
  table.add("train.bad_steps_in_row", config.train.bad_steps_in_row,
            "non-finite steps in a row that stop the run",
            {.unit = "steps", .range = at_least(1), .resumable = true});
}

}  // namespace

void bind_run(Table& table, LoopConfig& config) {
  LoopConfig::Run& run = config.run;
  table.add("run.directory", run.directory, "where the run lives; the same directory resumes it",
            {.resumable = true});
  table.add("run.label", run.label, "tells runs of one task apart in a report, such as a control");
  table.add("run.seed", run.seed, "decides starting weights and the order of samples",
            {.range = at_least(0)});
  table.add("run.threads", run.threads, "threads of one process; 0 takes every core",
            {.unit = "threads", .range = within(0, 1024), .resumable = true});
  table.add("run.deterministic", run.deterministic, "refuse operators whose result may vary");
}

void bind_training(Table& table, LoopConfig& config) {
  bind_balance(table, config);
  bind_optimizer(table, config);
  bind_train(table, config);
}

void bind_output(Table& table, LoopConfig& config) {
  table.add("eval.every", config.evaluation.every, "steps between evaluations",
            {.unit = "steps", .range = at_least(1), .resumable = true});
  table.add("eval.batch_rows", config.evaluation.batch_rows, "rows of one evaluation pass",
            {.unit = "rows", .range = at_least(1), .resumable = true});
  table.add("eval.ablation_rows", config.evaluation.ablation_rows,
            "held-out rows behind the cost of zeroing each head at the end; 0: not measured",
            {.unit = "rows", .range = at_least(0), .resumable = true});
  table.add("log.every", config.log_every, "steps between log lines",
            {.unit = "steps", .range = at_least(1), .resumable = true});
  table.add("log.tensorboard", config.tensorboard, "also write TensorBoard events",
            {.resumable = true});
  table.add("checkpoint.every", config.checkpoint_every, "steps between checkpoints",
            {.unit = "steps", .range = at_least(1), .resumable = true});
  table.add("checkpoint.keep", config.checkpoint_keep,
            "newest checkpoints kept; the newest two are never removed",
            {.range = at_least(1), .resumable = true});
}

at::ScalarType LoopConfig::compute_type() const {
  return train.precision == Precision::bfloat16 ? at::kBFloat16 : at::kFloat;
}

}  // namespace sinkwise::train
