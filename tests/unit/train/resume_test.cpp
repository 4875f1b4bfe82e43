#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

#include <torch/torch.h>

#include "sinkwise/checkpoint/run_directory.h"
#include "sinkwise/core/error.h"
#include "sinkwise/train/trainer.h"
#include "unit/core/temporary_directory.h"

namespace sinkwise::train {
namespace {

using Assignments = std::vector<std::string>;

constexpr std::int64_t kSteps = 12;

const Assignments kTiny = {
    "run.threads=1",
    "task.length=8",
    "task.symbols=6",
    "task.triggers=2",
    "task.validation_rows=6",
    "model.layers=1",
    "model.width=16",
    "model.heads=4",
    "model.mlp_hidden=16",
    "optim.warmup_steps=3",
    "optim.lr=1e-2",
    "train.batch_rows=8",
    "eval.every=4",
    "eval.batch_rows=4",
    "eval.ablation_rows=4",
    "checkpoint.every=5",
    "balance.calibration_rows=8",
};

std::string bytes_of(const std::filesystem::path& path) {
  std::ostringstream stream;
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  stream << file.rdbuf();
  return stream.str();
}

// Sets the stop flag once a step is done, as a signal handler would.
class Stopper : public Listener {
 public:
  explicit Stopper(std::int64_t after) : after_(after) { stop = after == 0; }
  void stepped(const Progress& progress) override {
    EXPECT_EQ(progress.total, kSteps);
    ++steps;
    if (progress.step == after_) stop = true;
  }
  void validated(const Validation&) override { ++validations; }
  void said(const std::string& message) override { messages.push_back(message); }

  std::atomic<bool> stop = false;
  std::int64_t steps = 0, validations = 0;
  std::vector<std::string> messages;

 private:
  std::int64_t after_;
};

// One process's part of a run: everything but the directory is made afresh.
Outcome go(const std::filesystem::path& directory, const Assignments& extra, Stopper& listener) {
  RunConfig config;
  config::Table table;
  bind(table, config);
  Assignments all = kTiny;
  for (const std::string& assignment : extra) {  // an extra replaces, since a key is set once
    const std::string key = assignment.substr(0, assignment.find('=') + 1);
    std::erase_if(all, [&key](const std::string& other) { return other.rfind(key, 0) == 0; });
    all.push_back(assignment);
  }
  all.push_back("train.steps=" + std::to_string(kSteps));
  all.push_back("run.directory=" + directory.string());
  for (const std::string& assignment : all) table.set(assignment);
  table.finish();
  check(config);
  configure_process(config);
  const Experiment experiment = from_scratch(config);
  auto owned = own_directory(config, table, experiment);
  return run(config, table, experiment, owned, listener, listener.stop);
}

// What must not depend on whether the run was stopped.
struct Traces {
  std::string log, model, optimizer;
  nlohmann::json final;

  explicit Traces(const std::filesystem::path& directory)
      : log(bytes_of(directory / "log.jsonl")),
        model(bytes_of(directory / "step-12" / "model.safetensors")),
        optimizer(bytes_of(directory / "step-12" / "optimizer.safetensors")),
        final(nlohmann::json::parse(bytes_of(directory / "result.json")).at("final")) {}
};

struct Arm {
  std::string label;
  Assignments assignments;
};

std::vector<Arm> arms() {
  const std::vector<Arm> forms = {
      {"none", {"balance.form=none"}},
      {"cv frozen", {"attention.mechanism=sink", "balance.form=cv", "balance.shared_heads=1"}},
      {"cv recomputed",
       {"attention.mechanism=gated_headwise", "balance.form=cv", "balance.shared_heads=1",
        "balance.shared_choice=recomputed"}},
      {"loss free", {"attention.mechanism=gated_headwise", "balance.form=loss_free"}},
  };
  std::vector<Arm> all;
  for (const Arm& form : forms) {
    all.push_back({form.label + " whole", form.assignments});
    all.push_back(form);
    all.back().label += " cut";
    all.back().assignments.push_back("train.micro_rows=2");  // four micro-batches a step
  }
  return all;
}

class ResumeTest : public ::testing::TestWithParam<Arm> {
 protected:
  test::TemporaryDirectory directory_;
};

TEST_P(ResumeTest, StoppingAfterAnyStepLeavesTheSameBits) {
  const auto uninterrupted = directory_.path() / "whole";
  Stopper never(-1);
  ASSERT_EQ(go(uninterrupted, GetParam().assignments, never), Outcome::finished);
  EXPECT_EQ(never.steps, kSteps);
  const Traces expected(uninterrupted);
  for (std::int64_t stop = 0; stop < kSteps; ++stop) {
    SCOPED_TRACE("stopped after step " + std::to_string(stop));
    const auto place = directory_.path() / std::to_string(stop);
    Stopper first(stop), second(-1);
    ASSERT_EQ(go(place, GetParam().assignments, first), Outcome::interrupted);
    ASSERT_EQ(go(place, GetParam().assignments, second), Outcome::finished);
    EXPECT_EQ(first.steps, stop);
    EXPECT_EQ(second.steps, kSteps - stop);  // nothing is done twice
    const Traces found(place);
    EXPECT_EQ(found.log, expected.log);
    EXPECT_TRUE(found.model == expected.model);
    EXPECT_TRUE(found.optimizer == expected.optimizer);
    EXPECT_EQ(found.final, expected.final);
  }
}

TEST_P(ResumeTest, StoppingAfterEveryStepLeavesTheSameBits) {
  const auto uninterrupted = directory_.path() / "whole", place = directory_.path() / "stopped";
  Stopper never(-1);
  ASSERT_EQ(go(uninterrupted, GetParam().assignments, never), Outcome::finished);
  for (std::int64_t stop = 0; stop < kSteps; ++stop) {
    Stopper stopper(stop);
    ASSERT_EQ(go(place, GetParam().assignments, stopper), Outcome::interrupted);
  }
  Stopper last(-1);
  ASSERT_EQ(go(place, GetParam().assignments, last), Outcome::finished);
  const Traces expected(uninterrupted), found(place);
  EXPECT_EQ(found.log, expected.log);
  EXPECT_TRUE(found.model == expected.model);
  EXPECT_TRUE(found.optimizer == expected.optimizer);
}

INSTANTIATE_TEST_SUITE_P(Arms, ResumeTest, ::testing::ValuesIn(arms()), [](const auto& arm) {
  std::string name = arm.param.label;
  std::erase(name, ' ');
  return name;
});

class TrainerTest : public ::testing::Test {
 protected:
  std::filesystem::path place() const { return directory_.path() / "run"; }
  test::TemporaryDirectory directory_;
};

TEST_F(TrainerTest, TheBitsDependOnTheRecipe) {
  // Else the tests above would compare nothing.
  Stopper a(-1), b(-1);
  go(place(), {"run.seed=1"}, a);
  go(directory_.path() / "other", {"run.seed=2"}, b);
  const Traces first(place()), second(directory_.path() / "other");
  EXPECT_NE(first.log, second.log);
  EXPECT_FALSE(first.model == second.model);
  EXPECT_FALSE(first.optimizer == second.optimizer);
}

TEST_F(TrainerTest, ARunThatLostItsLaterStepsTakesThemAgain) {
  // As after a kill: the log is ahead of the newest checkpoint.
  Stopper whole(-1);
  go(place(), {}, whole);
  const Traces expected(place());
  for (const char* name : {"step-12", "result.json"}) {
    std::filesystem::remove_all(place() / name);
  }
  std::ofstream(place() / "log.jsonl", std::ios::app) << "{\"step\":13,\"kin";
  Stopper again(-1);
  ASSERT_EQ(go(place(), {}, again), Outcome::finished);
  EXPECT_EQ(again.steps, 2);  // checkpoints are at 5 and 10
  const Traces found(place());
  EXPECT_EQ(found.log, expected.log);
  EXPECT_TRUE(found.model == expected.model);
}

TEST_F(TrainerTest, ADamagedCheckpointIsPassedOverAloud) {
  Stopper whole(-1);
  go(place(), {}, whole);
  const Traces expected(place());
  std::filesystem::remove(place() / "result.json");
  std::filesystem::resize_file(place() / "step-12" / "model.safetensors", 100);
  Stopper again(-1);
  ASSERT_EQ(go(place(), {}, again), Outcome::finished);
  ASSERT_GE(again.messages.size(), 2u);
  EXPECT_NE(again.messages[0].find("step-12"), std::string::npos);
  EXPECT_EQ(again.messages[1], "resumed at step 10 of 12");
  EXPECT_TRUE(Traces(place()).model == expected.model);
}

TEST_F(TrainerTest, AnOlderIntactCheckpointIsUsedWhenBothNewestAreDamaged) {
  Stopper whole(-1);
  go(place(), {"checkpoint.every=4", "checkpoint.keep=3"}, whole);
  const Traces expected(place());
  for (const char* name : {"step-12", "step-8"}) {
    std::filesystem::resize_file(place() / name / "model.safetensors", 100);
  }
  Stopper again(-1);
  ASSERT_EQ(go(place(), {"checkpoint.every=4", "checkpoint.keep=3"}, again), Outcome::finished);
  ASSERT_GE(again.messages.size(), 3u);
  EXPECT_NE(again.messages[0].find("passed over"), std::string::npos);
  EXPECT_NE(again.messages[1].find("step-8"), std::string::npos);
  EXPECT_EQ(again.messages[2], "resumed at step 4 of 12");
  EXPECT_TRUE(Traces(place()).model == expected.model);
}

TEST_F(TrainerTest, ARunIsNotStartedAgainOverDamagedCheckpoints) {
  Stopper whole(-1);
  go(place(), {}, whole);
  const std::string log = bytes_of(place() / "log.jsonl");
  for (const char* name : {"step-12", "step-10"}) {
    std::filesystem::resize_file(place() / name / "model.safetensors", 100);
  }
  Stopper again(-1);
  try {
    go(place(), {}, again);
    FAIL() << "started again";
  } catch (const BadFile& error) {
    EXPECT_EQ(error.text().where, place().string());
    EXPECT_NE(error.text().found.find("step-12, step-10"), std::string::npos) << error.what();
    EXPECT_NE(error.text().next.find("--fresh --force"), std::string::npos) << error.what();
  }
  EXPECT_EQ(again.steps, 0);
  EXPECT_EQ(bytes_of(place() / "log.jsonl"), log);
}

TEST_F(TrainerTest, AFinishedRunIsLeftAlone) {
  Stopper first(-1), second(-1);
  go(place(), {}, first);
  const std::string log = bytes_of(place() / "log.jsonl"),
                    result = bytes_of(place() / "result.json");
  EXPECT_EQ(go(place(), {}, second), Outcome::already_finished);
  EXPECT_EQ(second.steps, 0);
  EXPECT_EQ(bytes_of(place() / "log.jsonl"), log);
  EXPECT_EQ(bytes_of(place() / "result.json"), result);
}

TEST_F(TrainerTest, AnotherRecipeIsRefusedByItsKeys) {
  Stopper first(3), second(-1);
  go(place(), {}, first);
  const std::string log = bytes_of(place() / "log.jsonl");
  try {
    go(place(), {"optim.lr=2e-2", "model.layers=2", "log.tensorboard=false"}, second);
    FAIL() << "accepted";
  } catch (const config::ConfigProblems& problems) {
    std::vector<std::string> keys;
    for (const auto& problem : problems.problems()) {
      keys.push_back(problem.key);
    }
    // Not log.tensorboard, which may change.
    EXPECT_EQ(keys, (std::vector<std::string>{"model.layers", "optim.lr"}));
    EXPECT_NE(problems.problems()[0].message.find("was started with 1, now 2"), std::string::npos);
  }
  EXPECT_EQ(bytes_of(place() / "log.jsonl"), log);
}

TEST_F(TrainerTest, ResumableKeysMayChange) {
  Stopper first(3), second(-1);
  go(place(), {}, first);
  EXPECT_EQ(go(place(), {"log.tensorboard=false", "checkpoint.every=6"}, second),
            Outcome::finished);
}

TEST_F(TrainerTest, TheLogHoldsEveryStepAndEveryEvaluation) {
  Stopper listener(-1);
  go(place(), {"attention.mechanism=sink", "balance.form=cv"}, listener);
  std::istringstream log(bytes_of(place() / "log.jsonl"));
  std::vector<std::int64_t> train, validation;
  for (std::string line; std::getline(log, line);) {
    const auto record = nlohmann::json::parse(line);
    const std::int64_t step = record.at("step");
    (record.at("kind") == "train" ? train : validation).push_back(step);
    for (const char* key : {"loss", "cv", "mean_gate", "min_gate", "max_gate", "effective_heads"}) {
      EXPECT_TRUE(record.at(key).is_number()) << key << " at " << step;
    }
    if (record.at("kind") == "train") {
      EXPECT_GT(record.at("balance").get<double>(), 0.0);
    }
  }
  EXPECT_EQ(train, (std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  EXPECT_EQ(validation, (std::vector<std::int64_t>{0, 4, 8, 12}));
  EXPECT_EQ(listener.validations, 4);
}

TEST_F(TrainerTest, EventsLeaveOutWhatWasNotMeasured) {
  Stopper listener(-1);
  go(place(), {"log.tensorboard=true"}, listener);
  std::string events;
  for (const auto& entry : std::filesystem::directory_iterator(place() / "tensorboard")) {
    events += bytes_of(entry.path());
  }
  EXPECT_NE(events.find("train/loss"), std::string::npos);
  EXPECT_NE(events.find("validation/excess"), std::string::npos);
  EXPECT_EQ(events.find("bits_per_byte"), std::string::npos);  // null in log.jsonl: no text
}

// Steps of the checkpoints in a run directory.
std::vector<std::int64_t> checkpoints(const std::filesystem::path& run) {
  std::vector<std::int64_t> steps;
  for (const auto& entry : std::filesystem::directory_iterator(run)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("step-", 0) == 0) steps.push_back(std::stoll(name.substr(5)));
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

// A learning rate that no float32 survives: step 1 is fine, every later one is not.
const Assignments kDiverging = {"optim.lr=1e30", "optim.warmup_steps=0",
                                "train.bad_steps_in_row=3"};

TEST_F(TrainerTest, ThreeNonFiniteStepsInARowEndTheRunAndSaveNothing) {
  Stopper listener(-1);
  try {
    go(place(), kDiverging, listener);
    FAIL() << "finished";
  } catch (const NumericsError& error) {
    EXPECT_NE(error.text().what.find("3 steps in a row"), std::string::npos) << error.what();
    EXPECT_NE(error.text().where.find("step 4"), std::string::npos) << error.what();
  }
  EXPECT_TRUE(checkpoints(place()).empty());
  EXPECT_FALSE(std::filesystem::exists(place() / "result.json"));
}

TEST_F(TrainerTest, TheStepThatEndsTheRunIsLogged) {
  // Steps 1 to 4: one is fine, three are not; only every third is logged for its own sake.
  Assignments seldom = kDiverging;
  seldom.push_back("log.every=3");
  Stopper listener(-1);
  EXPECT_THROW(go(place(), seldom, listener), NumericsError);
  std::istringstream log(bytes_of(place() / "log.jsonl"));
  std::vector<std::int64_t> skipped;
  for (std::string line; std::getline(log, line);) {
    const auto record = nlohmann::json::parse(line);
    if (record.value("skipped", false)) skipped.push_back(record.at("step"));
  }
  EXPECT_EQ(skipped, (std::vector<std::int64_t>{3, 4}));
  std::istringstream timing(bytes_of(place() / "timing.jsonl"));
  EXPECT_EQ(std::count(std::istreambuf_iterator<char>(timing), {}, '\n'), 2);
}

TEST_F(TrainerTest, SkippedStepsLeaveTheWeightsOfTheLastGoodOne) {
  Assignments every = kDiverging;
  every.push_back("checkpoint.every=1");
  Stopper listener(-1);
  EXPECT_THROW(go(place(), every, listener), NumericsError);
  const auto found = checkpoint::newest_checkpoint(place());
  ASSERT_TRUE(found.checkpoint);
  EXPECT_EQ(found.checkpoint->step, 3);  // the step that ended the run is not saved
  EXPECT_EQ(found.checkpoint->state.at("train").at("skipped"), 2);
  EXPECT_EQ(bytes_of(place() / "step-3" / "model.safetensors"),
            bytes_of(place() / "step-2" / "model.safetensors"));
  // Going on counts from there: one more bad step is the third in a row.
  Stopper again(-1);
  EXPECT_THROW(go(place(), every, again), NumericsError);
  EXPECT_EQ(again.steps, 0);
}

}  // namespace
}  // namespace sinkwise::train
