#include "sinkwise/core/utf8.h"

#include <gtest/gtest.h>

namespace sinkwise {
namespace {

TEST(Utf8, EveryCodePointComesBack) {
  for (std::uint32_t code = 0; code < 0x110000; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, code);
    std::uint32_t found = 0;
    ASSERT_EQ(decode_utf8(text + "x", found), text.size()) << code;
    ASSERT_EQ(found, code);
    ASSERT_EQ(text.size(), code < 0x80 ? 1u : code < 0x800 ? 2u : code < 0x10000 ? 3u : 4u);
  }
}

TEST(Utf8, MalformedSequencesHaveNoLength) {
  std::uint32_t code = 0;
  for (const std::string_view text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x9f\xbf", "\xe2\x82",
        "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    EXPECT_EQ(decode_utf8(text, code), 0u);
  }
}

}  // namespace
}  // namespace sinkwise
