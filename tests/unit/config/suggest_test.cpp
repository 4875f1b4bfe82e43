#include <deque>
#include <gtest/gtest.h>
#include <iostream>

#include "demo_table.h"

namespace sinkwise::config::test {
namespace {

// A table about the size of the real one.
class ManyKeys {
 public:
  ManyKeys() {
    for (const char* key : {"seed",
                            "model.layers",
                            "model.width",
                            "model.heads",
                            "model.kv_heads",
                            "model.mlp",
                            "model.positions",
                            "model.norm",
                            "attention.mechanism",
                            "attention.sink_init",
                            "attention.window",
                            "balance.weight",
                            "balance.scope",
                            "balance.shared_heads",
                            "optim.name",
                            "optim.lr",
                            "optim.betas",
                            "optim.weight_decay",
                            "optim.warmup_steps",
                            "optim.clip",
                            "optim.schedule",
                            "train.steps",
                            "train.batch",
                            "train.micro_batch",
                            "train.precision",
                            "data.task",
                            "data.length",
                            "data.files",
                            "data.validation_files",
                            "data.validation_fraction",
                            "data.chain_seed",
                            "data.triggers",
                            "data.beginning_token",
                            "checkpoint.every",
                            "checkpoint.keep",
                            "log.every",
                            "eval.every",
                            "eval.rows"}) {
      table_.add(key, targets_.emplace_back(1), "help");
    }
  }
  Table& table() { return table_; }

 private:
  std::deque<std::int64_t> targets_;
  Table table_;
};

struct Slip {
  const char* written;
  const char* meant;
};

constexpr Slip kSlips[] = {
    {"sead", "seed"},
    {"Seed", "seed"},
    {"model.layer", "model.layers"},
    {"model.n_layers", "model.layers"},
    {"mdoel.layers", "model.layers"},
    {"model.widht", "model.width"},
    {"width", "model.width"},
    {"models.heads", "model.heads"},
    {"model.hedas", "model.heads"},
    {"model.kvheads", "model.kv_heads"},
    {"model.kv-heads", "model.kv_heads"},
    {"model.postions", "model.positions"},
    {"model.mechanism", "attention.mechanism"},
    {"attention.mechansim", "attention.mechanism"},
    {"attn.mechanism", "attention.mechanism"},
    {"attention.sinkinit", "attention.sink_init"},
    {"attention.sink_int", "attention.sink_init"},
    {"attention.windows", "attention.window"},
    {"balance.wieght", "balance.weight"},
    {"balanse.weight", "balance.weight"},
    {"balance.scop", "balance.scope"},
    {"balance.shared_head", "balance.shared_heads"},
    {"lr", "optim.lr"},
    {"optim.LR", "optim.lr"},
    {"optm.lr", "optim.lr"},
    {"optimizer.lr", "optim.lr"},
    {"train.lr", "optim.lr"},
    {"optim.beta", "optim.betas"},
    {"optim.weightdecay", "optim.weight_decay"},
    {"optim.warm_up_steps", "optim.warmup_steps"},
    {"optim.warmup", "optim.warmup_steps"},
    {"optim.shedule", "optim.schedule"},
    {"steps", "train.steps"},
    {"train.stpes", "train.steps"},
    {"train.batches", "train.batch"},
    {"train.micro-batch", "train.micro_batch"},
    {"train.presicion", "train.precision"},
    {"data.lenght", "data.length"},
    {"data.file", "data.files"},
    {"data.val_files", "data.validation_files"},
    {"data.validation_fracton", "data.validation_fraction"},
    {"data.chainseed", "data.chain_seed"},
    {"data.trigger", "data.triggers"},
    {"data.begining_token", "data.beginning_token"},
    {"checkpoints.every", "checkpoint.every"},
    {"checkpoint.evry", "checkpoint.every"},
    {"checkpoint.kep", "checkpoint.keep"},
    {"evl.rows", "eval.rows"},
};

TEST(Suggest, MisspeltKeysAreAllRefusedAndNearlyAllUnderstood) {
  int right = 0;
  for (const Slip& slip : kSlips) {
    ManyKeys keys;
    keys.table().set(std::string(slip.written) + "=1");
    const auto problems = problems_of(keys.table());
    ASSERT_EQ(problems.size(), 1u) << slip.written;
    EXPECT_EQ(problems[0].message, "unknown key");
    const std::string wanted = "did you mean " + std::string(slip.meant) + "?";
    if (problems[0].suggestion == wanted) {
      ++right;
    } else {
      std::cout << slip.written << ": " << problems[0].suggestion << "\n";
    }
  }
  EXPECT_GE(right, 46) << "of " << std::size(kSlips);  // 95 %
}

// What the shell would make of a slip in a key is understood as the key is.
constexpr Slip kVariables[] = {
    {"SINKWISE_LR", "SINKWISE_OPTIM_LR"},
    {"SINKWISE_TRAIN_LR", "SINKWISE_OPTIM_LR"},
    {"SINKWISE_optim_lr", "SINKWISE_OPTIM_LR"},
    {"SINKWISE_OPTIM_WARMUP", "SINKWISE_OPTIM_WARMUP_STEPS"},
    {"SINKWISE_MODEL_LAYER", "SINKWISE_MODEL_LAYERS"},
    {"SINKWISE_SINK_INIT", "SINKWISE_ATTENTION_SINK_INIT"},
    {"SINKWISE_MODEL_MECHANISM", "SINKWISE_ATTENTION_MECHANISM"},
    {"SINKWISE_DATA_LENGHT", "SINKWISE_DATA_LENGTH"},
    {"SINKWISE_CHECKPOINT_EVRY", "SINKWISE_CHECKPOINT_EVERY"},
};

TEST(Suggest, VariablesAreUnderstoodAsKeysAre) {
  for (const Slip& slip : kVariables) {
    ManyKeys keys;
    keys.table().load_environment({{slip.written, "1"}});
    const auto problems = problems_of(keys.table());
    ASSERT_EQ(problems.size(), 1u) << slip.written;
    EXPECT_EQ(problems[0].suggestion, "did you mean " + std::string(slip.meant) + "?")
        << slip.written;
  }
  ManyKeys keys;
  keys.table().load_environment({{"SINKWISE_ZZZZZZ_QQQQ", "1"}, {"SINKWISE_", "1"}});
  for (const auto& problem : problems_of(keys.table())) EXPECT_EQ(problem.suggestion, "");
}

TEST(Suggest, NothingForAKeyThatIsLikeNoOther) {
  ManyKeys keys;
  keys.table().set("zzzzzz.qqqqqqqq=1");
  EXPECT_EQ(problems_of(keys.table())[0].suggestion, "");
}

TEST(Suggest, AHugeKeyIsCheap) {
  ManyKeys keys;
  keys.table().set(std::string(5'000'000, 'k') + "=1");
  EXPECT_EQ(problems_of(keys.table()).size(), 1u);
}

}  // namespace
}  // namespace sinkwise::config::test
