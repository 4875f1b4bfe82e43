// The same model, as other files of its family spell it.
#include <gtest/gtest.h>

#include "sinkwise/pretrained/loaded_model.h"
#include "unit/nn/tensors.h"
#include "unit/pretrained/model_folder.h"

namespace sinkwise::pretrained {
namespace {

using nlohmann::json;

at::Tensor logits(const test::ModelFolder& folder) {
  const sinkwise::test::TemporaryDirectory directory;
  folder.write(directory.path() / "model");
  const torch::NoGradGuard no_grad;
  const Model model = Model::open(directory.path() / "model");
  return LoadedModel(model).forward(test::random_tokens({2, 12}, model.config().vocabulary, 5));
}

void expect_same(const std::string& fixture, const json& patch) {
  SCOPED_TRACE(fixture + " " + patch.dump());
  test::ModelFolder folder = test::ModelFolder::of_fixture(fixture);
  const at::Tensor expected = logits(folder);
  folder.config.merge_patch(patch);
  EXPECT_TRUE(test::same_bits(logits(folder), expected));
}

// Llama has no windows in transformers, whatever its file says.
TEST(Spelling, WindowsOfALlamaAreNone) {
  expect_same("llama", {{"sliding_window", 2}});
  expect_same("llama",
              {{"layer_types", {"sliding_attention", "full_attention"}}, {"sliding_window", 2}});
}

TEST(Spelling, WindowsOfQwenBeginAfterTheFirstLayers) {
  const json window = {{"sliding_window", 2}, {"layer_types", nullptr}};
  const auto with = [&](const json& more) {
    test::ModelFolder folder = test::ModelFolder::of_fixture("qwen3");
    folder.config.merge_patch(window);
    folder.config.merge_patch(more);
    return logits(folder);
  };
  const at::Tensor none = with({{"use_sliding_window", false}});
  EXPECT_TRUE(test::same_bits(with({{"use_sliding_window", true}}), none));  // after 28 layers
  EXPECT_FALSE(
      test::same_bits(with({{"use_sliding_window", true}, {"max_window_layers", 0}}), none));
}

// Two spellings of one rotation, each in place of all that the fixture says of it.
void expect_same_rotation(const std::string& fixture, const json& spelled, const json& plain,
                          bool differs_from_default = true) {
  SCOPED_TRACE(fixture + " " + spelled.dump());
  const auto with = [&](const json& rotation) {
    test::ModelFolder folder = test::ModelFolder::of_fixture(fixture);
    for (const char* name : {"rope_parameters", "rope_scaling", "rope_theta", "rotary_pct",
                             "rotary_emb_base", "rope_local_base_freq"}) {
      folder.config.erase(name);
    }
    folder.config.update(rotation);
    return logits(folder);
  };
  const at::Tensor expected = with(plain);
  EXPECT_TRUE(test::same_bits(with(spelled), expected));
  EXPECT_EQ(test::same_bits(with(json::object()), expected), !differs_from_default);
}

// As transformers 5.24 reads them (convert_rope_params_to_dict of each configuration).
TEST(Spelling, RotationsWithThePrioritiesOfTransformers) {
  const json linear = {{"rope_type", "linear"}, {"factor", 2.0}};
  const json plain = {{"rope_type", "default"}, {"rope_theta", 500.0}};
  json both = linear;
  both["rope_theta"] = 500.0;
  const json linear_500 = {{"rope_parameters", both}};
  const auto llama = [&](const json& spelled) {
    expect_same_rotation("llama", spelled, linear_500);
  };
  llama({{"rope_scaling", both}, {"rope_parameters", plain}});
  llama({{"rope_scaling", linear}, {"rope_theta", 500.0}, {"rope_parameters", plain}});
  llama({{"rope_scaling", json::object()}, {"rope_parameters", both}});
  llama({{"rope_parameters", linear}, {"rope_theta", 500.0}});
  llama({{"rope_parameters", both}, {"rope_theta", 7.0}, {"partial_rotary_factor", 0.5}});
}

TEST(Spelling, StretchedRotations) {
  const json yarn = {{"rope_type", "yarn"}, {"factor", 4.0}, {"rope_theta", 1e4}};
  json inside = yarn, zeros = yarn, no_factor = yarn;
  inside["original_max_position_embeddings"] = 16;
  zeros.update({{"original_max_position_embeddings", 16},
                {"mscale", 0.0},
                {"mscale_all_dim", 0.0},
                {"beta_fast", 0}});
  no_factor["factor"] = nullptr;
  const json expected = {{"rope_parameters", inside}};
  expect_same_rotation(
      "qwen2", {{"rope_parameters", yarn}, {"original_max_position_embeddings", 16}}, expected);
  expect_same_rotation("qwen2", {{"rope_parameters", zeros}}, expected);
  expect_same_rotation("qwen2",
                       {{"rope_parameters", no_factor},
                        {"original_max_position_embeddings", 16},
                        {"max_position_embeddings", 64}},
                       {{"rope_parameters", inside}, {"max_position_embeddings", 64}});
  expect_same_rotation("gpt_oss", json::object(),
                       {{"rope_parameters",
                         {{"rope_type", "yarn"},
                          {"factor", 32.0},
                          {"beta_fast", 32.0},
                          {"beta_slow", 1.0},
                          {"truncate", false},
                          {"rope_theta", 150000.0},
                          {"original_max_position_embeddings", 4096}}}},
                       false);
}

TEST(Spelling, RotationsOfFamiliesWithNamesOfTheirOwn) {
  expect_same_rotation(
      "gpt_neox", {{"rotary_emb_base", 500.0}, {"rope_theta", 7.0}, {"rotary_pct", 0.5}},
      {{"rope_parameters", {{"rope_theta", 500.0}, {"partial_rotary_factor", 0.5}}}});
  const json plain = {{"rope_type", "default"}};
  const json expected = {
      {"rope_parameters",
       {{"full_attention", {{"rope_type", "linear"}, {"factor", 8.0}, {"rope_theta", 5e5}}},
        {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 2e4}}}}}};
  const json linear = {{"rope_type", "linear"}, {"factor", 8.0}};
  const json bases = {{"rope_theta", 5e5}, {"rope_local_base_freq", 2e4}};
  const auto gemma = [&](json spelled) {
    spelled.update(bases);
    expect_same_rotation("gemma3", spelled, expected);
  };
  gemma({{"rope_scaling", linear}});
  gemma({{"rope_scaling", linear},
         {"rope_parameters", {{"full_attention", plain}, {"sliding_attention", plain}}}});
  gemma({{"rope_parameters", {{"full_attention", linear}}}});
}

// MistralConfig has a window of 4096 unless its file says null.
TEST(Spelling, WindowOfAMistralByDefault) {
  test::ModelFolder folder = test::ModelFolder::of_fixture("mistral");
  const sinkwise::test::TemporaryDirectory directory;
  const auto window = [&](const char* name) {
    folder.write(directory.path() / name);
    return Model::open(directory.path() / name).config().layers.front().attention()->window;
  };
  folder.config.erase("sliding_window");
  EXPECT_EQ(window("absent"), 4096);
  folder.config["sliding_window"] = nullptr;
  EXPECT_EQ(window("null"), std::nullopt);
}

// Qwen2 has its biases whatever the file says.
TEST(Spelling, BiasesOfQwen2) { expect_same("qwen2", {{"attention_bias", false}}); }

// gelu_fast is the form with the hyperbolic tangent, as Transformers' FastGELUActivation.
TEST(Spelling, NamesOfGelu) {
  test::ModelFolder folder = test::ModelFolder::of_fixture("gpt_neox");
  folder.config["hidden_act"] = "gelu_new";
  const at::Tensor expected = logits(folder);
  for (const char* name : {"gelu_fast", "gelu_pytorch_tanh"}) {
    folder.config["hidden_act"] = name;
    EXPECT_TRUE(test::same_bits(logits(folder), expected));
  }
}

// A model that also sees pictures keeps its text configuration apart, without what the class of
// transformers has by default. The fixture is small, so that only what can stay at its default
// goes.
TEST(Spelling, ATextConfigurationApart) {
  for (const char* fixture : {"gemma3", "qwen3_5"}) {
    SCOPED_TRACE(fixture);
    test::ModelFolder folder = test::ModelFolder::of_fixture(fixture);
    const at::Tensor expected = logits(folder);
    json text = folder.config;
    text.erase("max_position_embeddings");
    text.erase("tie_word_embeddings");
    folder.config = {{"model_type", fixture}, {"text_config", text}};
    folder.config["tie_word_embeddings"] = !folder.tensors.contains("lm_head.weight");
    EXPECT_TRUE(test::same_bits(logits(folder), expected));
  }
}

// The members of google/gemma-3-12b-it's text_config are fewer than its sizes.
TEST(Spelling, SizesOfGemmaByDefault) {
  test::ModelFolder folder = test::ModelFolder::of_fixture("gemma3");
  folder.config = {{"model_type", "gemma3"},
                   {"text_config",
                    {{"model_type", "gemma3_text"},
                     {"hidden_size", 3840},
                     {"intermediate_size", 15360},
                     {"num_attention_heads", 16},
                     {"num_hidden_layers", 2},
                     {"num_key_value_heads", 8},
                     {"rope_scaling", {{"factor", 8.0}, {"rope_type", "linear"}}},
                     {"sliding_window", 1024}}}};
  try {
    logits(folder);
    ADD_FAILURE() << "the fixture is smaller";
  } catch (const std::exception& error) {  // all members are there: the weights do not fit
    EXPECT_NE(std::string(error.what()).find("does not fit its weights"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace sinkwise::pretrained
