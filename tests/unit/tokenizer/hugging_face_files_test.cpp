#include "sinkwise/tokenizer/hugging_face_files.h"

#include <gtest/gtest.h>

#include "sinkwise/core/error.h"
#include "unit/tokenizer/sample.h"

namespace sinkwise::tokenizer {
namespace {

using test::converted;
using test::json;
using Ids = std::vector<TokenId>;

// The tokenizer that the two files make.
Tokenizer reread(const HuggingFaceFiles& files) {
  const sinkwise::test::TemporaryDirectory directory;
  test::write(directory.path() / "tokenizer.json", files.tokenizer_json);
  test::write(directory.path() / "tokenizer_config.json", files.tokenizer_config_json);
  return Tokenizer::load(directory.path());
}

struct Kind {
  const char *fixture, *pre;
};

// Every pattern and option of a pre-tokenizer, over vocabularies that need not be theirs.
constexpr Kind kKinds[] = {
    {"llama3", "llama-bpe"}, {"llama3", "gpt-4o"},    {"llama3", "gpt-2"},
    {"llama3", "tekken"},    {"llama3", "command-r"}, {"qwen2", "qwen2"},
    {"smollm", "smollm"},    {"smollm", "dbrx"},      {"qwen2", "stablelm2"}};

TEST(HuggingFaceFiles, GiveTheIdsOfTheVocabulary) {
  for (const auto& [kind, pre] : kKinds) {
    GgufVocabulary source = converted(kind, pre);
    source.bos_token_id = 0;
    source.eos_token_id = 1;
    const Tokenizer ours = tokenizer_from_gguf(source, "m.gguf");
    const Tokenizer again = reread(hugging_face_files(source, "m.gguf"));
    EXPECT_EQ(again.vocabulary_size(), ours.vocabulary_size());
    EXPECT_EQ(again.begin_of_text(), 0);
    EXPECT_EQ(again.end_of_text(), 1);
    const auto rows = test::read_lines(test::fixture(kind) / "expected.jsonl");
    ASSERT_GE(rows.size(), 50u);
    for (const json& row : rows) {
      const auto text = row["text"].get<std::string>();
      for (const SpecialText special : {SpecialText::plain, SpecialText::control}) {
        const Ids ids = ours.encode(text, {.special_text = special});
        EXPECT_EQ(again.encode(text, {.special_text = special}), ids) << kind << pre << text;
        EXPECT_EQ(again.decode(ids), ours.decode(ids)) << kind << pre << text;
      }
    }
  }
}

TEST(HuggingFaceFiles, PutAroundATextWhatTheFlagsAsk) {
  for (const bool begin : {false, true}) {
    for (const bool end : {false, true}) {
      GgufVocabulary source = converted("smollm", "smollm");
      source.bos_token_id = 0;
      source.eos_token_id = 1;
      source.add_bos_token = begin;
      source.add_eos_token = end;
      const Tokenizer again = reread(hugging_face_files(source, "m.gguf"));
      EXPECT_EQ(again.prefix(), begin ? Ids{0} : Ids{});
      EXPECT_EQ(again.suffix(), end ? Ids{1} : Ids{});
    }
  }
}

TEST(HuggingFaceFiles, NameTokensAndTheChatTemplate) {
  GgufVocabulary source = converted("smollm", "smollm");
  source.bos_token_id = 0;
  source.eos_token_id = source.padding_token_id = 1;
  source.chat_template = "{% for m in messages %}{{ m.content }}\n{% endfor %}";
  const json config = json::parse(hugging_face_files(source, "m.gguf").tokenizer_config_json);
  EXPECT_EQ(config["tokenizer_class"], "PreTrainedTokenizerFast");
  EXPECT_EQ(config["bos_token"], "<|begin|>");
  EXPECT_EQ(config["eos_token"], "<|end|>");
  EXPECT_EQ(config["pad_token"], "<|end|>");
  EXPECT_EQ(config["chat_template"], *source.chat_template);
  EXPECT_FALSE(config.contains("unk_token"));
  EXPECT_FALSE(config["clean_up_tokenization_spaces"].get<bool>());
}

// A padding token that is an exclamation mark must not make every one in a text a control token.
TEST(HuggingFaceFiles, NameNoTokenThatIsNormalText) {
  GgufVocabulary source = converted("smollm", "smollm");
  const auto place = std::find(source.tokens.begin(), source.tokens.end(), "!");
  ASSERT_NE(place, source.tokens.end());
  const auto mark = place - source.tokens.begin();
  source.padding_token_id = source.unknown_token_id = mark;
  source.bos_token_id = mark;
  source.add_bos_token = true;
  const HuggingFaceFiles files = hugging_face_files(source, "m.gguf");
  const json config = json::parse(files.tokenizer_config_json);
  for (const char* name : {"bos_token", "unk_token", "pad_token", "add_bos_token"}) {
    EXPECT_FALSE(config.contains(name)) << name;
  }
  EXPECT_EQ(reread(files).prefix(), (Ids{static_cast<TokenId>(mark)}));
}

TEST(HuggingFaceFiles, RefuseWhatTheyCannotSayExactly) {
  GgufVocabulary scored{.model = "llama", .tokens = {"<unk>", "a"}, .types = {2, 1}};
  scored.scores = {0, 0};
  EXPECT_NO_THROW(tokenizer_from_gguf(scored, "m.gguf"));
  EXPECT_THROW(hugging_face_files(scored, "m.gguf"), Unsupported);
  EXPECT_THROW(hugging_face_files(converted("smollm", "default"), "m.gguf"), Unsupported);
  GgufVocabulary source = converted("smollm", "smollm");
  source.padding_token_id = static_cast<std::int64_t>(source.tokens.size());
  EXPECT_THROW(hugging_face_files(source, "m.gguf"), BadFile);
  source = converted("smollm", "smollm");
  source.chat_template = "\xff";
  EXPECT_THROW(hugging_face_files(source, "m.gguf"), BadFile);
  source = converted("smollm", "smollm");
  source.merges.emplace_back("no such");
  EXPECT_THROW(hugging_face_files(source, "m.gguf"), BadFile);
}

}  // namespace
}  // namespace sinkwise::tokenizer
