#include "sinkwise/finetune/finetune.h"

#include <fstream>
#include <gtest/gtest.h>

#include "sinkwise/core/error.h"
#include "unit/core/temporary_directory.h"
#include "unit/nn/tensors.h"
#include "unit/pretrained/fixtures.h"

namespace sinkwise::finetune {
namespace {

namespace fs = std::filesystem;

// One run on the small Llama, which has a tokenizer, in a directory of its own.
class Finetune : public testing::Test {
 protected:
  Finetune() {
    std::ofstream text(directory_.path() / "text.txt");
    for (int line = 0; line < 200; ++line) text << "The cat " << line % 7 << " sat on the mat.\n";
  }

  FinetuneConfig config(const std::string& name) const {
    FinetuneConfig c = FinetuneConfig::defaults(4, Method::lora);
    c.model = (test::pretrained_fixtures() / "llama").string();
    c.run.directory = (directory_.path() / name).string();
    c.run.threads = 1;
    c.data.files = {(directory_.path() / "text.txt").string()};
    c.data.length = 16;
    c.data.validation_fraction = 0.2;
    c.data.validation_rows = 8;
    c.calibration_rows = 4;
    c.train.steps = 12;
    c.train.batch_rows = 2;
    c.optimizer.lr = 2e-2;
    c.evaluation.every = 6;
    c.checkpoint_every = 3;
    c.lora.rank = 4;
    return c;
  }

  struct Lines : train::Listener {
    void validated(const train::Validation& v) override { losses.push_back(v.loss); }
    void said(const std::string& message) override { messages += message + "\n"; }
    std::vector<double> losses;
    std::string messages;
  };

  // The run to its end, or to the first validation after `stop_after` of them.
  struct Stopping : Lines {
    void validated(const train::Validation& v) override {
      Lines::validated(v);
      if (losses.size() == stop_after) stop = true;
    }
    std::size_t stop_after = 0;
    std::atomic<bool> stop = false;
  };

  train::Outcome run(FinetuneConfig c, Stopping& listener) {
    config::Table table("test");
    FinetuneConfig bound = c;
    bind(table, bound);
    check(c);
    model_ = std::make_unique<pretrained::Model>(open_model(c));
    tuned_ = prepare(*model_, c);
    const train::Experiment experiment = experiment_of(c, tuned_, listener);
    auto owned = train::own_directory(c, table, experiment);
    return train::run(c, table, experiment, owned, listener, listener.stop);
  }

  static at::Tensor logits(const fs::path& model, const pretrained::OpenOptions& options = {}) {
    const torch::NoGradGuard no_grad;
    const auto opened = pretrained::Model::open(model, options);
    return pretrained::LoadedModel(opened).forward(
        test::random_tokens({2, 9}, opened.config().vocabulary, 5));
  }

  at::Tensor tuned_logits() const {
    const torch::NoGradGuard no_grad;
    return tuned_->loaded().forward(test::random_tokens({2, 9}, model_->config().vocabulary, 5));
  }

  test::TemporaryDirectory directory_;
  std::unique_ptr<pretrained::Model> model_;
  std::shared_ptr<TunedModel> tuned_;
};

// W + B A is added up before or after the product with x.
constexpr double kMerged = 1e-4;

TEST_F(Finetune, LoraLowersTheLossAndComesBackFromItsFolders) {
  Stopping lines;
  const FinetuneConfig c = config("run");
  ASSERT_EQ(run(c, lines), train::Outcome::finished);
  EXPECT_LT(lines.losses.back(), 0.9 * lines.losses.front());
  EXPECT_NE(lines.messages.find("|grad balance|"), std::string::npos) << lines.messages;
  const fs::path model = write_outcome(c, *tuned_);
  const at::Tensor expected = tuned_logits();
  EXPECT_GT(test::largest_difference(expected, logits(c.model)), 0.01);
  EXPECT_LT(test::largest_difference(logits(model), expected), kMerged);
  const fs::path adapter = fs::path(c.run.directory) / "adapter";
  EXPECT_LT(test::largest_difference(logits(c.model, {.adapter = adapter}), expected), kMerged);
}

TEST_F(Finetune, FullTrainingLowersTheLossAndComesBack) {
  FinetuneConfig c = config("run");
  c.method = Method::full;
  c.optimizer.lr = 3e-3;
  Stopping lines;
  ASSERT_EQ(run(c, lines), train::Outcome::finished);
  EXPECT_LT(lines.losses.back(), 0.9 * lines.losses.front());
  const fs::path model = write_outcome(c, *tuned_);
  EXPECT_LT(test::largest_difference(logits(model), tuned_logits()), kMerged);
  EXPECT_FALSE(fs::exists(fs::path(c.run.directory) / "adapter"));
}

TEST_F(Finetune, AConvertedModelStartsWhereItWasAndComesBack) {
  for (const auto mechanism : {nn::Mechanism::sink, nn::Mechanism::gated_headwise}) {
    FinetuneConfig plain = config("plain" + nn::name(mechanism));
    plain.train.steps = 5;
    Stopping before, lines;
    ASSERT_EQ(run(plain, before), train::Outcome::finished);
    FinetuneConfig c = config("converted" + nn::name(mechanism));
    c.train.steps = 5;
    c.mechanism = mechanism;
    ASSERT_EQ(run(c, lines), train::Outcome::finished);
    // Sinks at -12 below the smallest log-sum-exp take at most 6e-6 of a row.
    EXPECT_NEAR(lines.losses.front(), before.losses.front(), 1e-4);
    const fs::path model = write_outcome(c, *tuned_);
    EXPECT_LT(test::largest_difference(logits(model), tuned_logits()), kMerged);
    EXPECT_EQ(pretrained::Model::open(model).config().layers[0].attention()->mechanism, mechanism);
  }
}

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(Finetune, GoesOnWithTheSameBits) {
  for (const std::int64_t micro : {1, 2}) {
    FinetuneConfig whole = config("whole" + std::to_string(micro));
    FinetuneConfig halves = config("halves" + std::to_string(micro));
    whole.train.micro_rows = halves.train.micro_rows = micro;
    Stopping lines, first, second;
    ASSERT_EQ(run(whole, lines), train::Outcome::finished);
    first.stop_after = 2;
    ASSERT_EQ(run(halves, first), train::Outcome::interrupted);
    ASSERT_EQ(run(halves, second), train::Outcome::finished);
    for (const char* name : {"log.jsonl", "step-12/model.safetensors",
                             "step-12/optimizer.safetensors", "calibration.json"}) {
      EXPECT_EQ(content(fs::path(whole.run.directory) / name),
                content(fs::path(halves.run.directory) / name))
          << name;
    }
  }
}

TEST_F(Finetune, RecomputationChangesNoBit) {
  FinetuneConfig kept = config("kept"), again = config("again");
  again.recompute = true;
  Stopping a, b;
  ASSERT_EQ(run(kept, a), train::Outcome::finished);
  ASSERT_EQ(run(again, b), train::Outcome::finished);
  EXPECT_EQ(content(fs::path(kept.run.directory) / "log.jsonl"),
            content(fs::path(again.run.directory) / "log.jsonl"));
}

}  // namespace
}  // namespace sinkwise::finetune
