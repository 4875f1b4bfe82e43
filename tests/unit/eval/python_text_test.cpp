#include "python_text.h"

#include <gtest/gtest.h>

namespace sinkwise::eval {
namespace {

TEST(PythonText, TrailingSpaceKnowsUnicode) {
  EXPECT_EQ(trailing_space("a"), 0u);
  EXPECT_EQ(trailing_space("a b \n\t"), 3u);
  EXPECT_EQ(trailing_space(" "), 1u);
  EXPECT_EQ(trailing_space(""), 0u);
  EXPECT_EQ(trailing_space("a\u00A0\u3000"), 5u);  // two and three bytes
  EXPECT_EQ(trailing_space("a\u200B"), 0u);        // zero width space: str.isspace() says no
  EXPECT_EQ(trailing_space("\u00E9"), 0u);
}

TEST(PythonText, StripTakesBothEnds) {
  EXPECT_EQ(stripped("\u2003 a b\x1c\n"), "a b");
  EXPECT_EQ(stripped(" \n"), "");
}

TEST(PythonText, CharactersAreNotBytes) {
  EXPECT_EQ(characters("na\u00EFve \u4E2D\U0001F600"), 8);
  EXPECT_EQ(characters(""), 0);
}

TEST(PythonText, CapitalizeLowersTheRest) {
  EXPECT_EQ(capitalized("the Iron Man"), "The iron man");
  EXPECT_EQ(capitalized(""), "");
  EXPECT_EQ(capitalized("\u00E9T"), "\u00E9t");
}

TEST(PythonText, ReplaceDoesNotLookTwice) {
  EXPECT_EQ(replaced("a    b", "  ", " "), "a  b");
  EXPECT_EQ(replaced("x", "y", "z"), "x");
}

}  // namespace
}  // namespace sinkwise::eval
