#include "sinkwise/core/text.h"

#include <gtest/gtest.h>
#include <random>

namespace sinkwise {
namespace {

TEST(Join, PutsTheSeparatorBetween) {
  EXPECT_EQ(join({}), "");
  EXPECT_EQ(join({"a"}), "a");
  EXPECT_EQ(join({"a", "", "b"}), "a, , b");
  EXPECT_EQ(join({"a", "b"}, "/"), "a/b");
}

TEST(Nearest, FindsOneSlipOfEveryKind) {
  const std::vector<std::string> keys = {"lambda", "learning_rate", "seed", "window"};
  EXPECT_EQ(nearest("lamda", keys), "lambda");    // missing letter
  EXPECT_EQ(nearest("lammbda", keys), "lambda");  // doubled letter
  EXPECT_EQ(nearest("lanbda", keys), "lambda");   // wrong letter
  EXPECT_EQ(nearest("wnidow", keys), "window");   // swapped letters
  EXPECT_EQ(nearest("sede", keys), "seed");       // one swap, so 1 of 4 and not 2 of 4
  EXPECT_EQ(nearest("learnign-rate", keys), "learning_rate");
  EXPECT_EQ(nearest("seed", keys), "seed");
}

TEST(Nearest, PrefersTheCloserAndOtherwiseTheFirst) {
  EXPECT_EQ(nearest("heads", {"headsss", "headss"}), "headss");
  EXPECT_EQ(nearest("heads", {"headsb", "headsa"}), "headsb");
}

TEST(Nearest, SaysNothingRatherThanAWildGuess) {
  EXPECT_EQ(nearest("window", {"seed", "lambda"}), "");
  EXPECT_EQ(nearest("abc", {"abd"}), "");  // a third of the length is not closer than a third
  EXPECT_EQ(nearest("", {"a", ""}), "");
  EXPECT_EQ(nearest("a", {}), "");
  EXPECT_EQ(nearest(std::string(100000, 'x'), {"seed"}), "");
}

TEST(Nearest, IsRestricted) {
  // "ca" to "abc" is 2 when a swapped pair may be edited again and 3 in the restricted distance:
  // with six letters in common the first would be suggested.
  EXPECT_EQ(nearest("caxxxxxx", {"abcxxxxxx"}), "");
}

TEST(Printable, LeavesOrdinaryTextAlone) {
  EXPECT_EQ(printable(""), "");
  EXPECT_EQ(printable("model.layers.0/wöight Ω 日本 \U0001F600 \\x"),
            "model.layers.0/wöight Ω 日本 \U0001F600 \\x");
}

TEST(Printable, ShowsControlCharacters) {
  EXPECT_EQ(printable("\x1b[31mred\x07\r\n\t"), "\\x1b[31mred\\x07\\x0d\\x0a\\x09");
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("\x7f"), "\\x7f");
  EXPECT_EQ(printable("\u009b31m"), "\\xc2\\x9b31m");  // the one-character form of ESC [
}

TEST(Printable, ShowsBidirectionalCharacters) {
  EXPECT_EQ(printable("\u202E"), "\\xe2\\x80\\xae");
  EXPECT_EQ(printable("\u2066x\u2069"), "\\xe2\\x81\\xa6x\\xe2\\x81\\xa9");
  EXPECT_EQ(printable("\u200F\u061C\u2028"), "\\xe2\\x80\\x8f\\xd8\\x9c\\xe2\\x80\\xa8");
}

TEST(Printable, ShowsInvalidUtf8) {
  EXPECT_EQ(printable("\x80"), "\\x80");           // continuation without a start
  EXPECT_EQ(printable("\xc3"), "\\xc3");           // cut short
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");  // overlong '/'
  EXPECT_EQ(printable("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xff"
                      "a"),
            "\\xffa");
}

TEST(Printable, LeavesNothingActiveInRandomBytesAndIsIdempotent) {
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes(1 + random() % 12, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const std::string shown = printable(bytes);
    for (const char c : shown) {
      ASSERT_GE(static_cast<unsigned char>(c), 0x20) << i;
      ASSERT_NE(c, '\x7f') << i;
    }
    ASSERT_EQ(printable(shown), shown);
  }
}

}  // namespace
}  // namespace sinkwise
