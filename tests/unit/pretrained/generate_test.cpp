#include "sinkwise/pretrained/generate.h"

#include <gtest/gtest.h>

#include "sinkwise/core/error.h"
#include "unit/pretrained/fixtures.h"
#include "unit/pretrained/model_folder.h"

namespace sinkwise::pretrained {
namespace {

using Ids = std::vector<tokenizer::TokenId>;

class Generate : public testing::Test {
 protected:
  Generated run(const Ids& prompt, const GenerateOptions& options) {
    return generate(loaded_, prompt, options);
  }

  Model model_ = Model::open(test::pretrained_fixtures() / "llama");
  LoadedModel loaded_{model_};
  nlohmann::json prompt_ = test::read_json(test::pretrained_fixtures() / "llama/prompt.json");
  Ids ids_ = prompt_["ids"].get<Ids>();
  int made_ = 0;
};

// What transformers continues with, computing everything anew for each token.
class Greedy : public testing::TestWithParam<const char*> {};

TEST_P(Greedy, ContinuesAsTheReference) {
  const auto folder = test::pretrained_fixtures() / GetParam();
  const auto reference = test::read_json(folder / "reference.json");
  const auto expected = reference["greedy_ids"].get<Ids>();
  auto prompt = reference["input_ids"][0].get<Ids>();
  prompt.resize(4);
  const Model model = Model::open(folder);
  const auto found =
      generate(LoadedModel(model), prompt, {.tokens = static_cast<std::int64_t>(expected.size())});
  EXPECT_EQ(found.ids, expected);
  EXPECT_EQ(found.stop, Stop::tokens);
}

INSTANTIATE_TEST_SUITE_P(Families, Greedy,
                         testing::Values("gemma3", "gpt2", "gpt_neox", "gpt_oss", "granite_swa",
                                         "llama", "llama3_rope", "mistral", "qwen2", "qwen3",
                                         "qwen3_5", "qwen3_next"),
                         [](const auto& of) { return std::string(of.param); });

TEST_F(Generate, GivesEachIdAsItComes) {
  Ids came;
  const auto found = generate(loaded_, ids_, {.tokens = 16}, [&](auto id) { came.push_back(id); });
  EXPECT_EQ(came, prompt_["greedy_ids"].get<Ids>());
  EXPECT_EQ(found.ids, came);
}

TEST_F(Generate, TheTokenizerGivesTheIdsOfThePrompt) {
  EXPECT_EQ(model_.load_tokenizer().encode(prompt_["text"].get<std::string>()), ids_);
}

TEST_F(Generate, TheSameSeedGivesTheSameTextAndAnotherAnother) {
  const auto draw = [&](std::uint64_t seed) {
    return run(ids_, {.tokens = 20, .sampling = {.temperature = 1.0}, .seed = seed}).ids;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

// A draw belongs to its position: what was generated may become part of the prompt.
TEST_F(Generate, GoesOnWhereItStopped) {
  const GenerateOptions options{.tokens = 20, .sampling = {.temperature = 1.0}, .seed = 5};
  const Ids whole = run(ids_, options).ids;
  Ids longer = ids_;
  longer.insert(longer.end(), whole.begin(), whole.begin() + 8);
  GenerateOptions rest = options;
  rest.tokens = 12;
  EXPECT_EQ(run(longer, rest).ids, Ids(whole.begin() + 8, whole.end()));
}

TEST_F(Generate, StopsAtAnEnd) {
  const auto greedy = prompt_["greedy_ids"].get<Ids>();
  const auto found = run(ids_, {.tokens = 16, .end = {greedy[4]}});
  EXPECT_EQ(found.stop, Stop::end_of_text);
  EXPECT_EQ(found.ids, Ids(greedy.begin(), greedy.begin() + 4));
}

TEST_F(Generate, EndTokensAreThoseOfBothFiles) {
  const test::TemporaryDirectory directory;
  const auto ids_of = [&](const nlohmann::json& config_says, const std::string& other_file) {
    const auto folder = directory.path() / std::to_string(made_++);
    auto model = test::ModelFolder::of_fixture("llama");
    model.config["eos_token_id"] = config_says;
    model.write(folder);
    if (!other_file.empty()) std::ofstream(folder / "generation_config.json") << other_file;
    return Model::open(folder).end_tokens();
  };
  EXPECT_EQ(ids_of(nullptr, ""), Ids());
  EXPECT_EQ(ids_of(0, ""), Ids({0}));
  EXPECT_EQ(ids_of({7, 9}, R"({"eos_token_id": [9, 11]})"), Ids({7, 9, 9, 11}));
  EXPECT_EQ(ids_of(-1, R"({"eos_token_id": 3})"), Ids({3}));
  EXPECT_EQ(ids_of(std::int64_t{1} << 40, "{}"), Ids());
  EXPECT_THROW(ids_of("</s>", ""), BadFile);
  EXPECT_THROW(ids_of({1, 2.5}, ""), BadFile);
  EXPECT_THROW(ids_of(2, R"({"eos_token_id": {"a": 1}})"), BadFile);
  EXPECT_THROW(ids_of(2, "[]"), BadFile);
}

// A model that also sees pictures may say them of its text alone.
TEST_F(Generate, EndTokensOfATextConfigurationApart) {
  const test::TemporaryDirectory directory;
  auto model = test::ModelFolder::of_fixture("qwen3_5");
  nlohmann::json text = model.config;
  text["eos_token_id"] = 18;
  model.config = {{"model_type", "qwen3_5"}, {"text_config", text}};
  const auto ids_of = [&](const std::string& name) {
    model.write(directory.path() / name);
    return Model::open(directory.path() / name).end_tokens();
  };
  EXPECT_EQ(ids_of("inside"), Ids({18}));
  model.config["eos_token_id"] = 5;
  EXPECT_EQ(ids_of("both"), Ids({5}));
}

TEST_F(Generate, StopsAtAnyOfSeveralEnds) {
  const auto greedy = prompt_["greedy_ids"].get<Ids>();
  const auto found = run(ids_, {.tokens = 16, .end = {63, greedy[3], 62}});
  EXPECT_EQ(found.stop, Stop::end_of_text);
  EXPECT_LE(found.ids.size(), 3U);
}

TEST_F(Generate, StaysWithinTheVocabulary) {
  const auto found = run(ids_, {.tokens = 40, .sampling = {.temperature = 9.0}, .vocabulary = 5});
  for (const auto id : found.ids) EXPECT_LT(id, 5);
}

// The fixture has 64 positions: the token after the last of them is the last that can be drawn.
TEST_F(Generate, StopsWhenTheContextIsFull) {
  const auto found = run(ids_, {.tokens = 1000});
  EXPECT_EQ(found.stop, Stop::context);
  EXPECT_EQ(found.ids.size() + ids_.size(), 65U);
  EXPECT_EQ(run(Ids(64, 5), {.tokens = 1000}).ids.size(), 1U);
}

TEST_F(Generate, RefusesPromptsThatDoNotFit) {
  EXPECT_THROW(run({}, {}), BadArgument);
  EXPECT_THROW(run(Ids(65, 5), {}), BadArgument);
  EXPECT_THROW(run({1, 64}, {}), BadArgument);
  EXPECT_THROW(run({1, -1}, {}), BadArgument);
  EXPECT_THROW(run(ids_, {.sampling = {.temperature = -1.0}}), BadArgument);
}

}  // namespace
}  // namespace sinkwise::pretrained
