#include "sinkwise/core/python_space.h"

#include <gtest/gtest.h>

namespace sinkwise {
namespace {

TEST(PythonSpace, TrailingSpaceKnowsUnicode) {
  EXPECT_EQ(trailing_space("a"), 0u);
  EXPECT_EQ(trailing_space("a b \n\t"), 3u);
  EXPECT_EQ(trailing_space(" "), 1u);
  EXPECT_EQ(trailing_space(""), 0u);
  EXPECT_EQ(trailing_space("a\u00A0\u3000"), 5u);  // two and three bytes
  EXPECT_EQ(trailing_space("a\u200B"), 0u);        // zero width space: str.isspace() says no
  EXPECT_EQ(trailing_space("\u00E9"), 0u);
}

TEST(PythonSpace, StripTakesBothEnds) {
  EXPECT_EQ(stripped("\u2003 a b\x1c\n"), "a b");
  EXPECT_EQ(stripped(" \n"), "");
}

}  // namespace
}  // namespace sinkwise
