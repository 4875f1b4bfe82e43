#include <gtest/gtest.h>

#include "sinkwise/core/error.h"
#include "sinkwise/inspect/inspect.h"
#include "unit/inspect/fixture.h"

namespace sinkwise::inspect {
namespace {

using tokenizer::Tokenizer;

const std::string kText = "the cat sat on the mat and the dog sat on the log. ";

Tokenizer fixture_tokenizer() { return Tokenizer::load(test::fixture("llama")); }

std::vector<std::int64_t> flat(const at::Tensor& tokens) {
  const auto* data = tokens.const_data_ptr<std::int64_t>();
  return {data, data + tokens.numel()};
}

TEST(Windows, FollowEachOtherWithoutOverlap) {
  const Tokenizer tokenizer = fixture_tokenizer();
  const auto ids = tokenizer.encode(kText, {.add_special = false});
  const auto windows =
      cut_windows(tokenizer, {kText}, {.length = 7, .most = 3, .begin = Begin::never});
  EXPECT_EQ(windows.tokens.sizes(), (at::IntArrayRef{3, 7}));
  const auto found = flat(windows.tokens);
  EXPECT_TRUE(std::equal(found.begin(), found.end(), ids.begin()));
  EXPECT_FALSE(windows.facts.begin_id);
}

// Of a long text only its beginning is encoded, and the ids are those of the whole.
TEST(Windows, OfALongTextAreThoseOfTheWhole) {
  const Tokenizer tokenizer = fixture_tokenizer();
  std::string text;
  for (int n = 0; n < 20000; ++n) text += n % 7 == 0 ? "the dogs \u00e9" : kText.substr(n % 11, 9);
  const auto ids = tokenizer.encode(text, {.add_special = false});
  const auto windows =
      cut_windows(tokenizer, {text}, {.length = 100, .most = 20, .begin = Begin::never});
  const auto found = flat(windows.tokens);
  ASSERT_EQ(found.size(), 2000u);
  EXPECT_TRUE(std::equal(found.begin(), found.end(), ids.begin()));
}

TEST(Windows, ABeginningTokenTakesOnePlaceOfEach) {
  const Tokenizer tokenizer = fixture_tokenizer();
  const auto ids = tokenizer.encode(kText, {.add_special = false});
  const auto windows =
      cut_windows(tokenizer, {kText}, {.length = 5, .most = 2, .begin = Begin::always});
  const auto found = flat(windows.tokens);
  ASSERT_TRUE(windows.facts.begin_id);
  EXPECT_EQ(found[0], *windows.facts.begin_id);
  EXPECT_EQ(found[5], *windows.facts.begin_id);
  EXPECT_EQ(found[6], ids[4]);
  EXPECT_EQ(windows.facts.special_inside, 0);
}

TEST(Windows, SpecialTokensInsideAreMarked) {
  const Tokenizer tokenizer = fixture_tokenizer();
  const auto windows = cut_windows(tokenizer, {"the cat</s>" + kText},
                                   {.length = 12, .most = 1, .begin = Begin::always});
  const auto tokens = flat(windows.tokens);
  EXPECT_EQ(windows.facts.special_inside, 1);
  for (std::int64_t t = 0; t < 12; ++t) {
    const auto id = static_cast<tokenizer::TokenId>(tokens[static_cast<std::size_t>(t)]);
    EXPECT_EQ(windows.special_inside[0][t].item<bool>(), t > 0 && tokenizer.is_special(id));
  }
}

TEST(Windows, BytesAreThoseOfThePredictedTokens) {
  const Tokenizer tokenizer = fixture_tokenizer();
  const auto windows =
      cut_windows(tokenizer, {kText}, {.length = 6, .most = 1, .begin = Begin::always});
  const auto ids = tokenizer.encode(kText, {.add_special = false});
  const std::vector<tokenizer::TokenId> predicted(ids.begin(), ids.begin() + 5);
  // This tokenizer puts a space in front of the text, which decoding takes away again.
  EXPECT_EQ(windows.facts.predicted_bytes,
            static_cast<std::int64_t>(tokenizer.decode(predicted).size()) + 1);
}

TEST(Windows, TooLittleTextIsRefused) {
  try {
    cut_windows(fixture_tokenizer(), {"the"}, {.length = 512});
    FAIL();
  } catch (const BadArgument& error) {
    EXPECT_NE(std::string(error.what()).find("--length 512"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace sinkwise::inspect
