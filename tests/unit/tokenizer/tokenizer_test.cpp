#include "sinkwise/tokenizer/tokenizer.h"

#include <gtest/gtest.h>

#include "sinkwise/core/error.h"
#include "unit/tokenizer/sample.h"

namespace sinkwise::tokenizer {
namespace {

using test::json;
using Ids = std::vector<TokenId>;

constexpr EncodeOptions kBarePlain{.special_text = SpecialText::plain, .add_special = false};
constexpr EncodeOptions kControl{.special_text = SpecialText::control};
constexpr EncodeOptions kBareControl{.special_text = SpecialText::control, .add_special = false};

// Ids from the `tokenizers` library, see tools/make_fixtures/tokenizers_small.py.
class Fixture : public testing::TestWithParam<const char*> {
 protected:
  Tokenizer tokenizer_ = Tokenizer::load(test::fixture(GetParam()));
  std::vector<json> rows_ = test::read_lines(test::fixture(GetParam()) / "expected.jsonl");
};

TEST_P(Fixture, GivesTheIdsOfTheReference) {
  ASSERT_GE(rows_.size(), 50u);
  for (const json& row : rows_) {
    const auto text = row["text"].get<std::string>();
    EXPECT_EQ(tokenizer_.encode(text), row["plain"].get<Ids>()) << row["text"];
    EXPECT_EQ(tokenizer_.encode(text, kControl), row["control"].get<Ids>()) << row["text"];
  }
}

TEST_P(Fixture, DecodesToTheSameBytes) {
  const std::string kind = GetParam();
  for (const json& row : rows_) {
    const auto text = row["text"].get<std::string>();
    const Ids ids = tokenizer_.encode(text, kBarePlain);
    const std::string decoded = tokenizer_.decode(ids);
    // A normal form, and a mark for spaces that becomes one, are not undone.
    const bool changes = kind == "qwen2" || (kind == "llama2" && text.find("\u2581") != text.npos);
    if (changes) {
      EXPECT_EQ(tokenizer_.encode(decoded, kBarePlain), ids) << row["text"];
    } else {
      EXPECT_EQ(decoded, text) << row["text"];
    }
  }
}

TEST_P(Fixture, StreamsWholeCharactersThatAddUpToTheText) {
  for (const json& row : rows_) {
    const Ids ids = tokenizer_.encode(row["text"].get<std::string>(), kBareControl);
    TextStream stream(tokenizer_);
    std::string text;
    for (const TokenId id : ids) {
      const std::string piece = stream.push(id);
      EXPECT_NO_THROW((void)json(piece).dump()) << row["text"];  // throws for what is no UTF-8
      text += piece;
    }
    EXPECT_EQ(stream.finish(), "");
    EXPECT_EQ(text, tokenizer_.decode(ids));
  }
}

TEST_P(Fixture, EveryIdHasItsBytes) {
  for (TokenId id = 0; id < tokenizer_.vocabulary_size(); ++id) {
    ASSERT_TRUE(tokenizer_.bytes(id));
    if (tokenizer_.is_special(id)) {
      EXPECT_EQ(tokenizer_.find(*tokenizer_.bytes(id)), id);
      EXPECT_EQ(tokenizer_.encode(*tokenizer_.bytes(id), kBareControl), Ids{id});
      EXPECT_NE(tokenizer_.encode(*tokenizer_.bytes(id), kBarePlain), Ids{id});
    }
  }
  EXPECT_FALSE(tokenizer_.bytes(tokenizer_.vocabulary_size()));
  EXPECT_FALSE(tokenizer_.bytes(-1));
}

INSTANTIATE_TEST_SUITE_P(Kinds, Fixture, testing::Values("llama3", "qwen2", "smollm", "llama2"),
                         [](const auto& test) { return std::string(test.param); });

TEST(Tokenizer, MergesByRankFromTheLeft) {
  const Tokenizer tokenizer = test::load_json(test::byte_level_json());
  EXPECT_EQ(tokenizer.encode("aaaaaaa"), (Ids{257, 256, 'a'}));
  EXPECT_EQ(tokenizer.encode("aaa b"), (Ids{256, 'a', ' ', 'b'}));
}

TEST(Tokenizer, EveryByteComesBack) {
  const Tokenizer tokenizer = test::load_json(test::byte_level_json());
  for (TokenId id = 0; id < 256; ++id) {
    EXPECT_EQ(tokenizer.decode(Ids{id}), std::string(1, static_cast<char>(id)));
  }
  EXPECT_EQ(tokenizer.find("\xff"), 255);
  EXPECT_EQ(tokenizer.find("aaaa"), 257);
  EXPECT_FALSE(tokenizer.find("ab"));
}

TEST(Tokenizer, RefusesTextThatIsNoUtf8AndIdsWithoutToken) {
  const Tokenizer tokenizer = test::load_json(test::byte_level_json());
  for (const char* text : {"a\xff", "\xc3", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80"}) {
    EXPECT_THROW(tokenizer.encode(text), BadArgument);
  }
  EXPECT_THROW(tokenizer.decode(Ids{258}), BadArgument);
  EXPECT_THROW(tokenizer.decode(Ids{-1}), BadArgument);
}

TEST(TextStream, HoldsBackACharacterUntilItIsWhole) {
  TextStream stream(test::load_json(test::byte_level_json()));
  const std::string euro = "\u20ac";
  EXPECT_EQ(stream.push(static_cast<unsigned char>(euro[0])), "");
  EXPECT_EQ(stream.push(static_cast<unsigned char>(euro[1])), "");
  EXPECT_EQ(stream.push(static_cast<unsigned char>(euro[2])), euro);
  EXPECT_EQ(stream.push(0xFF), "\xff");  // begins nothing
  EXPECT_EQ(stream.push(0xE2), "");
  EXPECT_EQ(stream.push('a'),
            "\xe2"
            "a");  // cut short by another character
  EXPECT_EQ(stream.push(0xF4), "");
  EXPECT_EQ(stream.push(0x90), "\xf4\x90");  // above U+10FFFF
  EXPECT_EQ(stream.push(0xF0), "");
  EXPECT_EQ(stream.finish(), "\xf0");
}

// What goes around a text, from the template and from tokenizer_config.json.
class BeginRule : public testing::Test {
 protected:
  BeginRule() {
    content_["added_tokens"] = {{{"id", 258}, {"content", "<s>"}, {"special", true}},
                                {{"id", 259}, {"content", "</s>"}, {"special", true}}};
  }

  void use_template() {
    content_["post_processor"] = {
        {"type", "TemplateProcessing"},
        {"single",
         {{{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}},
          {{"Sequence", {{"id", "A"}, {"type_id", 0}}}}}},
        {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {258}}, {"tokens", {"<s>"}}}}}}};
  }

  Ids encode(const json& config) const {
    const sinkwise::test::TemporaryDirectory directory;
    test::write(directory.path() / "tokenizer.json", content_.dump());
    test::write(directory.path() / "tokenizer_config.json", config.dump());
    return Tokenizer::load(directory.path()).encode("b");
  }

  json content_ = test::byte_level_json();
};

TEST_F(BeginRule, NothingUnlessTheFilesSaySo) {
  EXPECT_EQ(encode(json::object()), (Ids{'b'}));
  EXPECT_EQ(encode({{"bos_token", "<s>"}}), (Ids{'b'}));
}

TEST_F(BeginRule, TheTemplateDecides) {
  use_template();
  EXPECT_EQ(encode(json::object()), (Ids{258, 'b'}));
}

// As transformers 5 has it.
TEST_F(BeginRule, TheConfigurationDoesNotOverruleIt) {
  EXPECT_EQ(encode({{"bos_token", "<s>"}, {"add_bos_token", true}}), (Ids{'b'}));
  EXPECT_EQ(encode({{"eos_token", "</s>"}, {"add_eos_token", true}}), (Ids{'b'}));
  use_template();
  EXPECT_EQ(encode({{"bos_token", "<s>"}, {"add_bos_token", false}}), (Ids{258, 'b'}));
}

TEST(Tokenizer, ReadsGpt2sPairOfFiles) {
  const sinkwise::test::TemporaryDirectory directory;
  json vocabulary = test::byte_level_json()["model"]["vocab"];
  vocabulary["<|endoftext|>"] = 258;
  test::write(directory.path() / "vocab.json", vocabulary.dump());
  test::write(directory.path() / "merges.txt", "#version: 0.2\na a\naa aa\n");
  const Tokenizer tokenizer = Tokenizer::load(directory.path());
  EXPECT_EQ(tokenizer.encode("aaaa<|endoftext|>", kControl), (Ids{257, 258}));
  EXPECT_EQ(tokenizer.encode("aaaa<|endoftext|>").size(), 14u);
  EXPECT_EQ(tokenizer.end_of_text(), 258);
  test::write(directory.path() / "merges.txt", "a a\naa b\n");
  EXPECT_THROW(Tokenizer::load(directory.path()), BadFile);
}

// Quadratic work would take hours here, and the limit of ctest minutes.
TEST(Tokenizer, MillionsOfEqualCharactersAreEncoded) {
  for (const char* kind : {"llama3", "qwen2", "smollm", "llama2"}) {
    const Tokenizer tokenizer = Tokenizer::load(test::fixture(kind));
    for (const std::string unit :
         {"a", " ", "\n", "7", "!", "A", "\u0301", "\u4e16", "\u0301\u0323"}) {
      std::string text;
      while (text.size() < 1'000'000) text += unit;
      const Ids ids = tokenizer.encode(text, kBarePlain);
      EXPECT_GE(ids.size(), 1000u);
      if (std::string(kind) != "qwen2") {
        EXPECT_EQ(tokenizer.decode(ids), text) << kind << unit;
      }
    }
  }
}

}  // namespace
}  // namespace sinkwise::tokenizer
