#include "python_text.h"

#include <gtest/gtest.h>

namespace sinkwise::eval {
namespace {

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
