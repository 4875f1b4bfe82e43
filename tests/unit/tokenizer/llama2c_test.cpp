#include <cstring>
#include <gtest/gtest.h>
#include <limits>

#include "sinkwise/core/error.h"
#include "unit/tokenizer/sample.h"

namespace sinkwise::tokenizer {
namespace {

using Ids = std::vector<TokenId>;

template <typename Value>
std::string bytes_of_number(Value value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

std::string entry(float score, const std::string& text) {
  return bytes_of_number(score) + bytes_of_number(static_cast<std::int32_t>(text.size())) + text;
}

std::string header(std::int32_t longest = 10) {
  std::string bytes =
      bytes_of_number(longest) + entry(0, "<unk>") + entry(0, "\n<s>\n") + entry(0, "\n</s>\n");
  for (int byte = 0; byte < 256; ++byte) bytes += entry(0, "<0x00>");
  return bytes;
}

// Ids from 259: " ", "a", "b", " a", "ab", "bb", " ab".
std::string sample() {
  return header() + entry(-1, " ") + entry(-1, "a") + entry(-1, "b") + entry(-2, " a") +
         entry(-1.5, "ab") + entry(-1.5, "bb") + entry(-3, " ab");
}

Tokenizer load(const std::string& bytes) {
  const sinkwise::test::TemporaryDirectory directory;
  test::write(directory.path() / "tokenizer.bin", bytes);
  return Tokenizer::load(directory.path());
}

// By hand: the best score first, the leftmost on a tie.
TEST(Llama2c, MergesTheBestScoreFirst) {
  const Tokenizer tokenizer = load(sample());
  const auto encode = [&](const char* text) {
    return tokenizer.encode(text, {.add_special = false});
  };
  EXPECT_EQ(encode(""), Ids{});
  EXPECT_EQ(encode("a"), (Ids{262}));
  EXPECT_EQ(encode("ab"), (Ids{265}));        // "ab" before " a", then " ab"
  EXPECT_EQ(encode("abb"), (Ids{265, 261}));  // "ab" and "bb" tie
  EXPECT_EQ(encode("bbb"), (Ids{259, 264, 261}));
  EXPECT_EQ(encode("a\u00e9"), (Ids{262, 3 + 0xC3, 3 + 0xA9}));
  EXPECT_EQ(tokenizer.encode("a"), (Ids{1, 262}));
}

TEST(Llama2c, DecodesBytesAndDropsTheFirstSpace) {
  const Tokenizer tokenizer = load(sample());
  for (const std::string text : {"a b", " a", "", "\u00e9\n\u20ac", "<s>"}) {
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text), {.skip_special = true}), text);
  }
  EXPECT_EQ(tokenizer.begin_of_text(), 1);
  EXPECT_EQ(tokenizer.end_of_text(), 2);
  EXPECT_TRUE(tokenizer.is_special(2));
  EXPECT_FALSE(tokenizer.is_special(3));
}

TEST(Llama2c, RefusesDamagedFiles) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::string& bytes :
       {std::string(), bytes_of_number<std::int32_t>(0), bytes_of_number<std::int32_t>(-1),
        bytes_of_number<std::int32_t>(10), header().substr(0, header().size() - 20),
        header() + entry(nan, "a"), header() + entry(0, "longer than ten"),
        header() + bytes_of_number(0.0f) + bytes_of_number<std::int32_t>(-4),
        header(1 << 30) + bytes_of_number(0.0f) + bytes_of_number<std::int32_t>(1 << 29)}) {
    EXPECT_THROW(load(bytes), BadFile) << bytes.size();
  }
  EXPECT_NO_THROW(load(header()));
  const std::string whole = sample();
  for (std::size_t size = 0; size < header().size(); size += 5) {
    EXPECT_THROW(load(whole.substr(0, size)), BadFile) << size;
  }
}

}  // namespace
}  // namespace sinkwise::tokenizer
