#include "sinkwise/tokenizer/hugging_face_files.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>

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

// The tokens of the committed tokenizer of Llama 2's kind, as SentencePiece would score them: in
// the order in which they were made.
GgufVocabulary scored() {
  GgufVocabulary result = converted("llama2", "");
  result.model = "llama";
  result.types[0] = 2;
  std::map<std::string, float> rank;
  for (const std::string& merge : result.merges) {
    std::string made = merge;
    made.erase(made.find(' '), 1);
    rank.emplace(made, static_cast<float>(rank.size()));
  }
  for (std::size_t id = 0; id < result.tokens.size(); ++id) {
    const auto made = rank.find(result.tokens[id]);
    if (id >= 3 && id < 259) result.types[id] = 6;
    result.scores.push_back(made == rank.end() ? -1e4f : -made->second);
  }
  result.merges.clear();
  result.bos_token_id = 1;
  result.eos_token_id = 2;
  result.unknown_token_id = 0;
  return result;
}

TEST(HuggingFaceFiles, GiveTheIdsOfScores) {
  for (const bool space : {false, true}) {
    GgufVocabulary source = scored();
    source.add_space_prefix = space;
    const Tokenizer ours = tokenizer_from_gguf(source, "m.gguf");
    const Tokenizer again = reread(hugging_face_files(source, "m.gguf"));
    EXPECT_EQ(again.prefix(), Ids{1});
    EXPECT_EQ(again.end_of_text(), 2);
    for (const json& row : test::read_lines(test::fixture("llama2") / "expected.jsonl")) {
      const auto text = row["text"].get<std::string>();
      for (const SpecialText special : {SpecialText::plain, SpecialText::control}) {
        const Ids ids = ours.encode(text, {.special_text = special});
        EXPECT_EQ(again.encode(text, {.special_text = special}), ids) << text;
        EXPECT_EQ(again.decode(ids), ours.decode(ids)) << text;
      }
    }
  }
}

TEST(HuggingFaceFiles, RefuseScoresThatNoRanksFollow) {
  GgufVocabulary source = scored();
  const auto place = [&](const char* token) {
    return static_cast<std::size_t>(std::find(source.tokens.begin(), source.tokens.end(), token) -
                                    source.tokens.begin());
  };
  source.scores[place("th")] = source.scores[place("er")];
  try {
    hugging_face_files(source, "m.gguf");
    FAIL() << "two tokens of one score went through";
  } catch (const Unsupported& error) {
    EXPECT_NE(std::string(error.what()).find("'th'"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("'er'"), std::string::npos) << error.what();
  }
  source = scored();
  source.tokens[place("th")] = "t\u00fe";
  EXPECT_NO_THROW(tokenizer_from_gguf(source, "m.gguf"));
  EXPECT_THROW(hugging_face_files(source, "m.gguf"), Unsupported);
  source = scored();
  source.types[place("t")] = 5;
  EXPECT_THROW(hugging_face_files(source, "m.gguf"), Unsupported);
}

// One that a user defined is cut out of a text first: its score ties with nothing.
TEST(HuggingFaceFiles, AUserDefinedTokenNeedsNoScore) {
  GgufVocabulary source = scored();
  source.tokens.emplace_back("the cat");
  source.types.push_back(4);
  source.scores.push_back(source.scores[300]);
  const Tokenizer ours = tokenizer_from_gguf(source, "m.gguf");
  const Tokenizer again = reread(hugging_face_files(source, "m.gguf"));
  const Ids ids = ours.encode("see the cat sat");
  EXPECT_NE(std::find(ids.begin(), ids.end(), 620), ids.end());
  EXPECT_EQ(again.encode("see the cat sat"), ids);
}

TEST(HuggingFaceFiles, RefuseWhatTheyCannotSayExactly) {
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
