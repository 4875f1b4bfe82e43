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
