#include "sinkwise/train/run_config.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

namespace sinkwise::train {
namespace {

// A configuration as the command line makes it.
struct Recipe {
  RunConfig config;
  config::Table table{"sinkwise config show"};

  explicit Recipe(const std::vector<std::string>& assignments = {}) {
    bind(table, config);
    table.set("run.directory=runs/x");
    for (const std::string& assignment : assignments) table.set(assignment);
    table.finish();
  }
};

// Keys of the problems that check() finds.
std::set<std::string> problems_of(const std::vector<std::string>& assignments) {
  const Recipe recipe(assignments);
  std::set<std::string> keys;
  try {
    check(recipe.config);
  } catch (const config::ConfigProblems& problems) {
    for (const auto& problem : problems.problems()) {
      keys.insert(problem.key);
      EXPECT_FALSE(problem.message.empty());
    }
  }
  return keys;
}

TEST(RunConfig, EveryKeyHasHelpADefaultAndAnEnvironmentName) {
  RunConfig config;
  config::Table table;
  bind(table, config);
  const auto rows = table.describe();
  EXPECT_GE(rows.size(), 60u);
  std::set<std::string> keys, variables;
  for (const auto& row : rows) {
    SCOPED_TRACE(row.key);
    EXPECT_GT(row.help.size(), 5u);
    EXPECT_FALSE(row.default_value.empty());
    EXPECT_NE(row.key.find('.'), std::string::npos);
    EXPECT_EQ(row.environment.rfind("SINKWISE_", 0), 0u);
    if (row.type == "choice") {
      EXPECT_GE(row.choices.size(), 2u);
    }
    keys.insert(row.key);
    variables.insert(row.environment);
  }
  EXPECT_EQ(keys.size(), rows.size());
  EXPECT_EQ(variables.size(), rows.size());
}

TEST(RunConfig, DefaultsAreAFinishedRecipe) {
  const Recipe recipe;
  EXPECT_NO_THROW(check(recipe.config));
  // Written out and read again, nothing changes.
  RunConfig copy;
  config::Table table;
  bind(table, copy);
  table.load_text(recipe.table.to_toml(), "copy");
  table.finish();
  EXPECT_EQ(table.fingerprint(), recipe.table.fingerprint());
  EXPECT_EQ(table.to_json(), recipe.table.to_json());
}

TEST(RunConfig, EveryKeyReachesTheConfiguration) {
  // Two values of each key must give two fingerprints unless it may change on resume, and binding
  // the changed configuration again must show the changed value.
  const Recipe plain;
  for (const auto& row : plain.table.describe()) {
    if (row.key == "run.directory") continue;
    SCOPED_TRACE(row.key);
    std::string value = "3";
    if (row.type == "boolean") value = row.default_value == "true" ? "false" : "true";
    if (row.type == "number") value = row.default_value == "0.25" ? "0.5" : "0.25";
    if (row.key == "model.rotary_base") value = "500";
    if (row.type == "integer" && row.default_value == "3") value = "4";
    if (row.type == "choice") {
      value = "\"" + row.choices[0] + "\"" == row.default_value ? row.choices[1] : row.choices[0];
    }
    const Recipe changed({row.key + "=" + value});
    EXPECT_EQ(changed.table.fingerprint() == plain.table.fingerprint(), row.resumable);
    RunConfig copy = changed.config;
    config::Table again;
    bind(again, copy);
    for (const auto& shown : again.describe()) {
      if (shown.key == row.key) {
        EXPECT_NE(shown.default_value, row.default_value);
      }
    }
  }
}

TEST(RunConfig, InconsistentCombinationsAreRefusedByTheirKey) {
  using Keys = std::set<std::string>;
  EXPECT_EQ(problems_of({}), Keys{});
  EXPECT_EQ(problems_of({"model.key_heads=3"}), Keys{"model.key_heads"});
  EXPECT_EQ(problems_of({"model.heads=5"}), Keys{"model.heads"});  // of width 64
  EXPECT_EQ(problems_of({"model.heads=5", "model.head_size=8"}), Keys{});
  EXPECT_EQ(problems_of({"model.head_size=7"}), Keys{"model.head_size"});
  EXPECT_EQ(problems_of({"model.head_size=7", "model.positions=learned"}), Keys{});
  EXPECT_EQ(problems_of({"model.width=60", "model.heads=4"}), Keys{"model.head_size"});  // 15
  EXPECT_EQ(problems_of({"model.windowed_layers=0,4"}), Keys{"model.windowed_layers"});
  EXPECT_EQ(problems_of({"balance.shared_heads=3"}), Keys{"balance.shared_heads"});
  EXPECT_EQ(problems_of({"balance.shared_heads=2"}), Keys{});
  EXPECT_EQ(problems_of({"optim.warmup_steps=401"}), Keys{"optim.warmup_steps"});
  EXPECT_EQ(problems_of({"optim.warmup_steps=400"}), Keys{});
  EXPECT_EQ(problems_of({"task.name=trigger_average", "model.tied_embedding=true"}),
            Keys{"model.tied_embedding"});
  for (const char* control : {"sigmoid", "relu", "softmax_plus_one"}) {
    const std::string mechanism = std::string("attention.mechanism=") + control;
    EXPECT_EQ(problems_of({"balance.form=loss_free", mechanism}), Keys{"balance.form"});
    EXPECT_EQ(problems_of({"balance.form=cv", mechanism}), Keys{});
  }
  EXPECT_EQ(problems_of({"balance.form=loss_free"}), Keys{});
}

TEST(RunConfig, TheStockPathIsRefusedWhereALayerWouldNotTakeIt) {
  using Keys = std::set<std::string>;
  const std::string stock = "attention.path=stock", loss_free = "balance.form=loss_free";
  for (const char* control : {"sigmoid", "relu"}) {
    const std::string mechanism = std::string("attention.mechanism=") + control;
    EXPECT_EQ(problems_of({stock, mechanism}), Keys{"attention.path"});
    EXPECT_EQ(problems_of({"attention.path=reference", mechanism}), Keys{});
    EXPECT_EQ(problems_of({mechanism}), Keys{});
  }
  EXPECT_EQ(problems_of({stock, loss_free}), Keys{"attention.path"});
  EXPECT_EQ(problems_of({stock, loss_free, "attention.mechanism=sink"}), Keys{});
  for (const char* served : {"vanilla", "sink", "gated_headwise", "softmax_plus_one"}) {
    EXPECT_EQ(problems_of({stock, std::string("attention.mechanism=") + served}), Keys{});
  }
}

TEST(RunConfig, AllProblemsAreReportedAtOnce) {
  EXPECT_EQ(
      problems_of({"model.key_heads=3", "optim.warmup_steps=500", "balance.shared_heads=9"}),
      (std::set<std::string>{"balance.shared_heads", "model.key_heads", "optim.warmup_steps"}));
}

TEST(RunConfig, ARunNeedsADirectory) {
  RunConfig config;
  try {
    check(config);
    FAIL() << "no error";
  } catch (const config::ConfigProblems& problems) {
    ASSERT_EQ(problems.problems().size(), 1u);
    EXPECT_EQ(problems.problems()[0].key, "run.directory");
  }
}

TEST(RunConfig, ZerosAreResolvedAgainstTheTaskAndTheOtherSizes) {
  const Recipe recipe({"task.symbols=20", "task.length=48", "model.width=48", "model.heads=6"});
  const auto task = data::make_task(recipe.config.task);
  const models::DecoderConfig model = recipe.config.decoder(*task);
  EXPECT_EQ(model.vocabulary, task->vocabulary());
  EXPECT_EQ(model.feature_size, 0);
  EXPECT_EQ(model.context_length, 48);
  EXPECT_EQ(model.mlp_hidden, 4 * 48);
  EXPECT_EQ(model.attention.heads, 6);
  EXPECT_EQ(model.attention.key_heads, 6);
  EXPECT_EQ(model.attention.head_size, 8);
  EXPECT_FALSE(model.attention.window);
  EXPECT_FALSE(model.attention.gate_bias);
  EXPECT_NO_THROW(models::check(model));
}

TEST(RunConfig, SizesThatAreGivenAreKept) {
  const Recipe recipe({"model.key_heads=2", "model.head_size=10", "model.mlp_hidden=33",
                       "model.window=5", "model.windowed_layers=1,3", "model.qk_norm=true",
                       "model.tied_embedding=true", "attention.mechanism=sink",
                       "attention.sink_init=3", "balance.form=loss_free", "model.mlp=gelu",
                       "model.positions=learned", "model.layers=5"});
  const auto task = data::make_task(recipe.config.task);
  const models::DecoderConfig model = recipe.config.decoder(*task);
  EXPECT_EQ(model.layers, 5);
  EXPECT_EQ(model.mlp_hidden, 33);
  EXPECT_EQ(model.mlp, nn::MlpKind::gelu);
  EXPECT_EQ(model.positions, models::Positions::learned);
  EXPECT_TRUE(model.tied_embedding);
  EXPECT_EQ(model.windowed_layers, (std::vector<std::int64_t>{1, 3}));
  EXPECT_EQ(model.attention.key_heads, 2);
  EXPECT_EQ(model.attention.head_size, 10);
  EXPECT_EQ(model.attention.window, 5);
  EXPECT_EQ(model.attention.mechanism, nn::Mechanism::sink);
  EXPECT_EQ(model.attention.sink_init, 3.0);
  EXPECT_TRUE(model.attention.qk_norm);
  EXPECT_TRUE(model.attention.gate_bias);
}

TEST(RunConfig, ATaskOfFeaturesMakesAModelOfFeatures) {
  const Recipe recipe({"task.name=trigger_average", "task.features=9"});
  const auto task = data::make_task(recipe.config.task);
  const models::DecoderConfig model = recipe.config.decoder(*task);
  EXPECT_EQ(model.vocabulary, 0);
  EXPECT_EQ(model.feature_size, task->feature_size());
  EXPECT_GT(model.feature_size, 0);
}

TEST(RunConfig, PathAndPrecisionAreTranslated) {
  EXPECT_TRUE(Recipe().config.paths().stock && Recipe().config.paths().reference);
  const ops::PathSet reference = Recipe({"attention.path=reference"}).config.paths();
  EXPECT_TRUE(reference.reference && !reference.stock);
  const ops::PathSet stock = Recipe({"attention.path=stock"}).config.paths();
  EXPECT_TRUE(stock.stock && !stock.reference);
  EXPECT_EQ(Recipe().config.compute_type(), at::kFloat);
  EXPECT_EQ(Recipe({"train.precision=bfloat16"}).config.compute_type(), at::kBFloat16);
}

}  // namespace
}  // namespace sinkwise::train
