#include <gtest/gtest.h>
#include <unistd.h>

#include "experiment.h"
#include "sinkwise/compare/run.h"
#include "sinkwise/core/error.h"

namespace sinkwise::compare {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class LoadRun : public testing::Test {
 protected:
  LoadRun() { write_run(directory_, {demonstration_arms()[1], 5, 2, 4}); }
  ~LoadRun() override { fs::remove_all(directory_); }

  void put(const char* name, const std::string& text) {
    std::ofstream(directory_ / name, std::ios::binary) << text;
  }

  json result() { return json::parse(std::ifstream(directory_ / "result.json")); }

  // The run with one member of result.json replaced, or removed by a discarded value.
  compare::Run with(const char* pointer, const json& value) {
    json changed = result();
    changed[json::json_pointer(pointer)] = value;
    put("result.json", changed.dump());
    return load_run(directory_);
  }

  compare::Run without(const char* pointer) {
    json changed = result();
    const json::json_pointer path(pointer);
    changed[path.parent_pointer()].erase(path.back());
    put("result.json", changed.dump());
    return load_run(directory_);
  }

  void expect_refused(const char* pointer, const json& value, const std::string& field) {
    const json before = result();
    try {
      with(pointer, value);
      ADD_FAILURE() << pointer << " = " << value << " was accepted";
    } catch (const BadFile& error) {
      EXPECT_NE(error.text().where.find("result.json, " + field), std::string::npos)
          << error.what();
    }
    put("result.json", before.dump());
  }

  const fs::path directory_ =
      fs::temp_directory_path() / ("sinkwise_load_" + std::to_string(getpid()));
};

TEST_F(LoadRun, ReadsWhatTheTrainerWrites) {
  const compare::Run run = load_run(directory_);
  EXPECT_EQ(run.task, "bigram_backcopy");
  EXPECT_EQ(run.mechanism, "vanilla");
  EXPECT_EQ(run.balance, (Balance{"cv", 0.01, 0}));
  EXPECT_EQ(run.seed, 5);
  EXPECT_EQ(run.steps, 400);
  EXPECT_EQ(run.config.at("optim.lr"), "0.01");
  EXPECT_EQ(run.provenance.front(), (std::pair<std::string, std::string>("version", "0.1.0")));
  const json expected = result();
  EXPECT_EQ(run.figures.at("cv"), expected["final"]["cv"].get<double>());
  EXPECT_EQ(run.figures.at("step_ms"), expected["time"]["step_ms_median"].get<double>());
  EXPECT_TRUE(std::isnan(run.figures.at("bits_per_byte")));
  EXPECT_NEAR(run.figures.at("value_drain"), 1.0, 0.3);
  EXPECT_EQ(run.groups.at("bigram").at("loss"), 2.2);
  ASSERT_EQ(run.layers.size(), 2u);
  EXPECT_EQ(run.layers[1].ablation.size(), 4u);
  EXPECT_EQ(run.layers[0].gate_histogram[3].size(), 20u);
  EXPECT_EQ(run.layers[0].first_token_weight_by_group.at("backcopy").size(), 4u);
  ASSERT_EQ(run.curve.size(), 21u) << "train lines are no part of the curve";
  EXPECT_EQ(run.curve.back().step, 400);
  EXPECT_TRUE(std::isnan(run.curve.back().bits_per_byte));
}

TEST_F(LoadRun, ReadsTheEvaluationOfTheModel) {
  EXPECT_TRUE(load_run(directory_).evaluation.metrics.empty());
  const json accuracy = {
      {"name", "acc"}, {"value", 0.75}, {"standard_error", 0.1}, {"higher_is_better", true}};
  json evaluation = {
      {"schema", "sinkwise.evaluation/1"},
      {"model", {{"path", "run/model"}}},
      {"tasks",
       {{{"name", "blimp"}, {"count", 8}, {"hash", "ab"}, {"metrics", json::array({accuracy})}}}},
      {"against",
       {{"model", "untouched"},
        {"tasks",
         {{{"name", "blimp"}, {"metrics", json::array({{{"name", "acc"}, {"other", 0.5}}})}}}}}}};
  fs::create_directories(directory_ / "evaluation");
  put("evaluation/evaluation.json", evaluation.dump());
  const Evaluation found = load_run(directory_).evaluation;
  ASSERT_EQ(found.metrics.size(), 1u);
  EXPECT_EQ(found.metrics[0].value, 0.75);
  EXPECT_EQ(found.metrics[0].other, 0.5);
  EXPECT_EQ(found.metrics[0].count, 8);
  EXPECT_EQ(found.facts.model, "run/model");
  EXPECT_EQ(found.facts.other, "untouched");
  evaluation["tasks"][0]["metrics"][0]["value"] = "high";
  put("evaluation/evaluation.json", evaluation.dump());
  EXPECT_THROW(load_run(directory_), BadFile);
}

TEST_F(LoadRun, MissingFiguresAreNotMeasured) {
  for (const char* pointer :
       {"/label", "/balance", "/steps", "/config", "/time", "/version", "/final/groups",
        "/final/cv", "/final/layers/0/ablation", "/final/layers/1/gate_histogram"})
    EXPECT_NO_THROW(without(pointer)) << pointer;
  const compare::Run run = load_run(directory_);
  EXPECT_EQ(run.balance, Balance{});
  EXPECT_TRUE(std::isnan(run.figures.at("cv")));
  EXPECT_TRUE(std::isnan(run.figures.at("step_ms")));
  EXPECT_TRUE(run.layers[0].ablation.empty());
  EXPECT_TRUE(std::isnan(with("/final/loss", nullptr).figures.at("loss"))) << "a run that diverged";
}

TEST_F(LoadRun, NamesTheFieldThatIsWrong) {
  expect_refused("/schema", "sinkwise.result/2", "schema");
  expect_refused("/task", nullptr, "task");
  expect_refused("/mechanism", 3, "mechanism");
  expect_refused("/seed", 1.5, "seed");
  expect_refused("/seed", "one", "seed");
  expect_refused("/balance", "cv", "balance");
  expect_refused("/balance/lambda", "0.01", "balance.lambda");
  expect_refused("/final", json::array(), "final");
  expect_refused("/final/cv", "low", "final.cv");
  expect_refused("/balance/form", "cvv", "balance.form");
  expect_refused("/final/layers", 3, "final.layers");
  expect_refused("/final/layers", nullptr, "final.layers");
  expect_refused("/final/layers", json::array(), "final.layers");
  expect_refused("/final/layers/1", 3, "final.layers[1]");
  expect_refused("/final/layers/1/ablation", {1, 2, 3}, "final.layers[1].ablation");
  expect_refused("/final/layers/0/importance", {1, "x"}, "final.layers[0].importance");
  expect_refused("/final/layers/0/gate_histogram", {{1}}, "final.layers[0].gate_histogram");
  expect_refused("/final/layers/0/gate_histogram/2", "x", "final.layers[0].gate_histogram[2]");
  expect_refused("/final/layers/0/first_token_weight_by_group/bigram", {1},
                 "final.layers[0].first_token_weight_by_group.bigram");
  expect_refused("/final/groups/bigram/excess", true, "final.groups.bigram.excess");
}

TEST_F(LoadRun, SaysWhatABalanceAndAListOfLayersAre) {
  try {
    with("/balance/form", "cvv");
    FAIL() << "accepted";
  } catch (const BadFile& error) {
    EXPECT_EQ(error.text().expected, "one of cv, loss_free, none, open, switch");
    EXPECT_EQ(error.text().found, "cvv");
    EXPECT_FALSE(error.text().next.empty());
  }
  for (const char* form : {"none", "cv", "switch", "loss_free", "open"}) {
    EXPECT_EQ(with("/balance/form", form).balance.form, form);
  }
  EXPECT_THROW(without("/final/layers"), BadFile);
  EXPECT_THROW(without("/final"), BadFile);
}

TEST_F(LoadRun, HostileNamesAreShownEscaped) {
  try {
    with("/final/groups/\x1b[31m", 3);
    FAIL();
  } catch (const BadFile& error) {
    EXPECT_EQ(std::string(error.what()).find('\x1b'), std::string::npos);
  }
}

TEST_F(LoadRun, AnUnfinishedRunSaysHowToGoOn) {
  fs::remove(directory_ / "result.json");
  try {
    load_run(directory_);
    FAIL();
  } catch (const BadFile& error) {
    EXPECT_NE(error.text().next.find("sinkwise train"), std::string::npos);
    EXPECT_EQ(error.text().where, directory_.string());
  }
  EXPECT_THROW(load_run(directory_ / "nowhere"), BadFile);
}

TEST_F(LoadRun, AMalformedResultIsABadFile) {
  for (const char* text : {"", "{", "[]", "null", "{\"schema\": \"sinkwise.result/1\"}"}) {
    put("result.json", text);
    EXPECT_THROW(load_run(directory_), BadFile) << text;
  }
}

TEST_F(LoadRun, ALogMayBeMissingOrCutShort) {
  put("log.jsonl",
      "{\"step\":0,\"kind\":\"validation\",\"cv\":0.1}\n\n"
      "{\"step\":20,\"kind\":\"validation\",\"cv\":0.2}\n"
      "{\"step\":10,\"kind\":\"validation\",\"cv\":0.3}\n"
      "{\"step\":20,\"kind\":\"validation\",\"cv\":0.4}\n"
      "{\"step\":30,\"kind\":\"valid");
  const auto curve = load_run(directory_).curve;
  ASSERT_EQ(curve.size(), 3u);
  EXPECT_EQ(curve[1].step, 10);
  EXPECT_EQ(curve[2].cv, 0.4) << "the later line of a step counts";
  fs::remove(directory_ / "log.jsonl");
  EXPECT_TRUE(load_run(directory_).curve.empty());
}

TEST_F(LoadRun, ABrokenLogLineIsNamed) {
  put("log.jsonl",
      "{\"step\":0,\"kind\":\"validation\"}\n{\"step\":\"x\",\"kind\":\"validation\"}\n");
  try {
    load_run(directory_);
    FAIL();
  } catch (const BadFile& error) {
    EXPECT_NE(error.text().where.find("log.jsonl, line 2, step"), std::string::npos)
        << error.what();
  }
  put("log.jsonl", "{\"step\":0,\n");
  EXPECT_THROW(load_run(directory_), BadFile);
}

TEST_F(LoadRun, ReadsTheOverheadList) {
  put("overhead.json",
      R"([{"task":"t","mechanism":"sink","base_ms":10,"balanced_ms":11,"ratio":1.1,"quartiles":[1.0,1.2],"pairs":9}])");
  const auto rows = load_overhead(directory_ / "overhead.json");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].upper_quartile, 1.2);
  EXPECT_EQ(rows[0].pairs, 9);
  for (const char* text : {"{}", "[3]", R"([{"task":"t","mechanism":"sink","quartiles":[1.0]}])"}) {
    put("overhead.json", text);
    EXPECT_THROW(load_overhead(directory_ / "overhead.json"), BadFile) << text;
  }
}

}  // namespace
}  // namespace sinkwise::compare
