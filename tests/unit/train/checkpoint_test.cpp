#include "sinkwise/train/checkpoint.h"

#include <gtest/gtest.h>
#include <optional>

#include "sinkwise/core/error.h"
#include "sinkwise/train/step.h"
#include "unit/core/temporary_directory.h"
#include "unit/train/small_model.h"

namespace sinkwise::train {
namespace {

using nn::Mechanism;
using test::same_bits;
using test::small_config;
using test::Trainee;

models::DecoderConfig loss_free_config(Mechanism mechanism) {
  models::DecoderConfig config = small_config(mechanism);
  config.attention.gate_bias = true;
  return config;
}

// A model that has taken some steps, so that moments and biases are not 0.
std::unique_ptr<Trainee> trained(const models::DecoderConfig& config) {
  auto trainee = std::make_unique<Trainee>(config);
  StepOptions options;
  options.balance.form = objectives::BalanceForm::loss_free;
  for (int n = 0; n < 3; ++n) {
    train_step(*trainee->model, trainee->optimizer, test::cut(4, 4), {}, 1e-2, options);
  }
  return trainee;
}

class CheckpointTest : public ::testing::Test {
 protected:
  checkpoint::Checkpoint save(const Trainee& trainee, const TrainState& state) {
    return save(checkpoint_files(*trainee.model, trainee.optimizer), {{"train", to_json(state)}});
  }

  checkpoint::Checkpoint save(const std::vector<checkpoint::CheckpointFile>& files,
                              const nlohmann::json& state) {
    auto run = checkpoint::RunDirectory::open(directory_.path() / "run");
    run.save(7, files, state, 2);
    return std::move(*run.newest().checkpoint);
  }

  // The checkpoint does not fit, says why, and leaves the trainee as it was.
  void expect_refused(const checkpoint::Checkpoint& checkpoint, Trainee& trainee,
                      const std::string& what) {
    const auto before = trainee.state();
    try {
      restore(checkpoint, *trainee.model, trainee.optimizer);
      ADD_FAILURE() << "accepted; expected: " << what;
    } catch (const BadFile& error) {
      EXPECT_NE(std::string(error.what()).find(what), std::string::npos) << error.what();
      EXPECT_NE(error.text().where.find("step-7"), std::string::npos) << error.what();
    }
    EXPECT_TRUE(same_bits(before, trainee.state()));
  }

  test::TemporaryDirectory directory_;
};

TEST_F(CheckpointTest, RoundTripsBitForBit) {
  for (const auto& [text, mechanism] : nn::mechanism_names()) {
    SCOPED_TRACE(text);
    const auto saved = trained(loss_free_config(mechanism));
    TrainState state;
    state.optimizer_steps = saved->optimizer.steps();
    state.skipped = 4;
    state.bad_in_row = 2;
    state.routed = {{true, false, true, true}, {false, true, true, true}};
    const auto checkpoint = save(*saved, state);
    Trainee fresh(loss_free_config(mechanism));
    EXPECT_FALSE(same_bits(saved->state(), fresh.state()));
    const TrainState found = restore(checkpoint, *fresh.model, fresh.optimizer);
    EXPECT_TRUE(same_bits(saved->state(), fresh.state()));
    EXPECT_EQ(found.step, 7);
    EXPECT_EQ(found.optimizer_steps, 3);
    EXPECT_EQ(found.skipped, 4);
    EXPECT_EQ(found.bad_in_row, 2);
    EXPECT_EQ(found.routed, state.routed);
  }
}

TEST_F(CheckpointTest, TheModelFileHoldsWhatALlamaReaderLooksFor) {
  const auto saved = trained(small_config(Mechanism::sink));
  const auto checkpoint = save(*saved, {});
  const auto& file = checkpoint.files.at("model.safetensors");
  EXPECT_EQ(file.metadata().at("format"), "pt");
  const auto* view = file.find("model.layers.0.self_attn.q_proj.weight");
  ASSERT_NE(view, nullptr);
  EXPECT_EQ(view->shape, (std::vector<std::int64_t>{16, 16}));
  EXPECT_NE(file.find("model.layers.1.self_attn.sinks"), nullptr);
}

TEST_F(CheckpointTest, ATensorOfAnotherShapeIsRefused) {
  const auto checkpoint = save(*trained(small_config(Mechanism::vanilla)), {});
  models::DecoderConfig config = small_config(Mechanism::vanilla);
  config.mlp_hidden = 25;
  Trainee wider(config);
  expect_refused(checkpoint, wider, "another shape");
}

TEST_F(CheckpointTest, AMissingTensorIsRefusedByName) {
  const auto checkpoint = save(*trained(small_config(Mechanism::vanilla)), {});
  Trainee sink(small_config(Mechanism::sink));
  expect_refused(checkpoint, sink, "model.layers.0.self_attn.sinks");
}

TEST_F(CheckpointTest, ATensorThatNobodyWantsIsRefused) {
  const auto checkpoint = save(*trained(small_config(Mechanism::sink)), {});
  Trainee vanilla(small_config(Mechanism::vanilla));
  expect_refused(checkpoint, vanilla, "other tensors too");
}

TEST_F(CheckpointTest, NothingIsWrittenWhenOnlyTheOptimizerDoesNotFit) {
  const auto saved = trained(small_config(Mechanism::vanilla));
  auto files = checkpoint_files(*saved->model, saved->optimizer);
  const std::string lost = files[1].tensors.back().name;
  files[1].tensors.pop_back();
  Trainee fresh(small_config(Mechanism::vanilla));
  expect_refused(save(files, {{"train", to_json(TrainState{})}}), fresh, lost);
  files.pop_back();
  expect_refused(save(files, {{"train", to_json(TrainState{})}}), fresh, "optimizer.safetensors");
}

TEST_F(CheckpointTest, AnIncompleteStateIsRefused) {
  const auto saved = trained(small_config(Mechanism::vanilla));
  const auto files = checkpoint_files(*saved->model, saved->optimizer);
  Trainee fresh(small_config(Mechanism::vanilla));
  nlohmann::json train = to_json(TrainState{});
  train.erase("bad_in_row");
  expect_refused(save(files, {{"train", train}}), fresh, "bad_in_row");
  expect_refused(save(files, nlohmann::json::object()), fresh, "state.train");
}

std::optional<at::Tensor> parameter(const Trainee& trainee, const std::string& name) {
  for (const auto& [key, tensor] : test::named_parameters(*trainee.model)) {
    if (key == name) return tensor;
  }
  return std::nullopt;
}

TEST_F(CheckpointTest, InitFromKeepsGatesAndSinksThatTheSourceLacks) {
  const auto source = trained(small_config(Mechanism::vanilla));
  const auto checkpoint = save(*source, {});
  for (const Mechanism mechanism :
       {Mechanism::sink, Mechanism::gated_headwise, Mechanism::gated_elementwise}) {
    SCOPED_TRACE(nn::name(mechanism));
    Trainee target(loss_free_config(mechanism)), untouched(loss_free_config(mechanism));
    restore_weights(checkpoint, *target.model);
    std::size_t kept = 0;
    for (const auto& [name, tensor] : test::named_parameters(*target.model)) {
      const auto original = parameter(*source, name);
      if (!original) ++kept;
      EXPECT_TRUE(same_bits(tensor, original ? *original : *parameter(untouched, name))) << name;
    }
    EXPECT_EQ(kept, 2u);  // one tensor in each layer
  }
}

TEST_F(CheckpointTest, InitFromTakesGatesAndSinksThatTheSourceHas) {
  const auto source = trained(small_config(Mechanism::sink));
  const auto checkpoint = save(*source, {});
  Trainee target(small_config(Mechanism::sink));
  restore_weights(checkpoint, *target.model);
  EXPECT_TRUE(same_bits(test::snapshot(*source->model), test::snapshot(*target.model)));
}

TEST_F(CheckpointTest, InitFromStillRefusesAnotherModel) {
  const auto checkpoint = save(*trained(small_config(Mechanism::sink)), {});
  models::DecoderConfig deeper = small_config(Mechanism::sink);
  deeper.layers = 3;
  models::DecoderConfig normed = small_config(Mechanism::sink);
  normed.attention.qk_norm = true;
  models::DecoderConfig more_heads = small_config(Mechanism::sink);
  more_heads.attention.heads = more_heads.attention.key_heads = 8;
  more_heads.attention.head_size = 2;  // only the sinks differ in shape
  for (const auto& config : {deeper, normed, more_heads, small_config(Mechanism::vanilla)}) {
    Trainee target(config);
    const auto before = target.state();
    EXPECT_THROW(restore_weights(checkpoint, *target.model), BadFile);
    EXPECT_TRUE(same_bits(before, target.state()));
  }
}

}  // namespace
}  // namespace sinkwise::train
