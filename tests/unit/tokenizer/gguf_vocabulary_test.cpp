#include "sinkwise/tokenizer/gguf_vocabulary.h"

#include <gtest/gtest.h>
#include <limits>

#include "sinkwise/core/error.h"
#include "unit/tokenizer/sample.h"

namespace sinkwise::tokenizer {
namespace {

using test::converted;
using test::json;
using Ids = std::vector<TokenId>;

TEST(GgufVocabulary, RankedGivesTheIdsOfTheTokenizerJson) {
  for (const auto& [kind, pre] : {std::pair{"llama3", "llama-bpe"}, {"smollm", "smollm"}}) {
    GgufVocabulary source = converted(kind, pre);
    source.bos_token_id = 0;
    source.eos_token_id = 1;
    source.add_bos_token = std::string(kind) == "llama3";
    const Tokenizer tokenizer = tokenizer_from_gguf(source, "m.gguf");
    for (const json& row : test::read_lines(test::fixture(kind) / "expected.jsonl")) {
      EXPECT_EQ(tokenizer.encode(row["text"].get<std::string>()), row["plain"].get<Ids>());
      EXPECT_EQ(
          tokenizer.encode(row["text"].get<std::string>(), {.special_text = SpecialText::control}),
          row["control"].get<Ids>());
    }
  }
}

TEST(GgufVocabulary, BeginOfTextByDefaultOnlyWhereTheModelWantsIt) {
  GgufVocabulary llama = converted("llama3", "llama-bpe");
  llama.bos_token_id = 0;
  EXPECT_EQ(tokenizer_from_gguf(llama, "m.gguf").prefix(), Ids{0});
  llama.add_bos_token = false;
  EXPECT_EQ(tokenizer_from_gguf(llama, "m.gguf").prefix(), Ids{});
  GgufVocabulary smollm = converted("smollm", "smollm");
  smollm.bos_token_id = 0;
  EXPECT_EQ(tokenizer_from_gguf(smollm, "m.gguf").prefix(), Ids{});
}

// <unk> <s> </s>, the bytes, then 259: "\u2581", "a", "b", "\u2581a", "ab", "\u00e9b", "<tool>".
GgufVocabulary scored() {
  GgufVocabulary result{.model = "llama", .tokens = {"<unk>", "<s>", "</s>"}, .types = {2, 3, 3}};
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (std::size_t byte = 0; byte < 256; ++byte) {
    result.tokens.push_back(std::string("<0x") + kDigits[byte / 16] + kDigits[byte % 16] + ">");
    result.types.push_back(6);
  }
  for (const char* text : {"\u2581", "a", "b", "\u2581a", "ab", "\u00e9b", "<tool>"}) {
    result.tokens.emplace_back(text);
    result.types.push_back(std::string(text) == "<tool>" ? 4 : 1);
  }
  result.scores.assign(result.tokens.size(), 0.0f);
  result.scores[262] = -2;
  result.scores[263] = -1;
  result.bos_token_id = 1;
  result.unknown_token_id = 0;
  return result;
}

TEST(GgufVocabulary, ScoredMergesLikeSentencePiece) {
  const Tokenizer tokenizer = tokenizer_from_gguf(scored(), "m.gguf");
  EXPECT_EQ(tokenizer.encode("ab"), (Ids{1, 259, 263}));  // "ab" scores above "\u2581a"
  EXPECT_EQ(tokenizer.encode("a a"), (Ids{1, 262, 262}));
  EXPECT_EQ(tokenizer.encode(" a"), (Ids{1, 259, 262}));  // the space in front and its own
  // A character that is no token becomes part of one before it falls back to bytes.
  EXPECT_EQ(tokenizer.encode("\u00e9b"), (Ids{1, 259, 264}));
  EXPECT_EQ(tokenizer.encode("\u00e9a"), (Ids{1, 259, 3 + 0xC3, 3 + 0xA9, 260}));
  EXPECT_EQ(tokenizer.encode("<tool>a"), (Ids{1, 265, 262}));  // user defined: always found
  EXPECT_NE(tokenizer.encode("</s>"), (Ids{1, 2}));
  EXPECT_EQ(tokenizer.encode("</s>", {.special_text = SpecialText::control}), (Ids{1, 2}));
  for (const std::string text : {"ab a\u00e9\n", " x", "a  b"}) {
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text), {.skip_special = true}), text);
  }
}

TEST(GgufVocabulary, SpaceInFrontCanBeLeftOut) {
  GgufVocabulary source = scored();
  source.add_space_prefix = false;
  source.add_bos_token = false;
  const Tokenizer tokenizer = tokenizer_from_gguf(source, "m.gguf");
  EXPECT_EQ(tokenizer.encode("ab"), (Ids{263}));
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(" ab")), " ab");
}

TEST(GgufVocabulary, RefusesWhatDoesNotFitTogether) {
  const auto refused = [](auto spoil) {
    GgufVocabulary source = scored();
    spoil(source);
    EXPECT_THROW(tokenizer_from_gguf(source, "m.gguf"), BadFile);
  };
  refused([](GgufVocabulary& g) { g.tokens.clear(); });
  refused([](GgufVocabulary& g) { g.scores.pop_back(); });
  refused([](GgufVocabulary& g) { g.types.pop_back(); });
  refused([](GgufVocabulary& g) { g.scores[7] = std::numeric_limits<float>::infinity(); });
  refused([](GgufVocabulary& g) { g.tokens[260] = "b"; });
  refused([](GgufVocabulary& g) { g.tokens[260] = "\xff"; });
  refused([](GgufVocabulary& g) { g.bos_token_id = 266; });
  refused([](GgufVocabulary& g) { g.eos_token_id = -1; });
  refused([](GgufVocabulary& g) { g.unknown_token_id = std::int64_t{1} << 40; });
  refused([](GgufVocabulary& g) { g.add_eos_token = true; });
  refused([](GgufVocabulary& g) { g.tokens[1].clear(); });
  GgufVocabulary ranked = converted("smollm", "smollm");
  ranked.merges.emplace_back("no such");
  EXPECT_THROW(tokenizer_from_gguf(ranked, "m.gguf"), BadFile);
  EXPECT_THROW(tokenizer_from_gguf(converted("smollm", "default"), "m.gguf"), Unsupported);
  EXPECT_THROW(tokenizer_from_gguf({.model = "t5", .tokens = {"a"}}, "m.gguf"), Unsupported);
}

}  // namespace
}  // namespace sinkwise::tokenizer
