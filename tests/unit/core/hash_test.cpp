#include "sinkwise/core/hash.h"

#include <gtest/gtest.h>

#include "sinkwise/core/bytes.h"
#include "sinkwise/core/crc32c.h"

namespace sinkwise {
namespace {

TEST(Hash, KnownValues) {
  // `xxh128sum` of the empty file and of "abc".
  EXPECT_EQ(hash_hex({}), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(hash_hex(bytes_of("abc")), "06b05ab6733a618578af5f94892f3950");
}

TEST(Hash, IsTheSameHoweverTheBytesAreSplit) {
  std::string text(5000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 31);
  const std::string whole = hash_hex(bytes_of(text));
  for (const std::size_t piece : {1u, 7u, 64u, 240u, 1024u, 4999u}) {
    Hasher hasher;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      hasher.update(bytes_of(std::string_view(text).substr(at, piece)));
      hasher.hex();  // looking does not end the stream
    }
    EXPECT_EQ(hasher.hex(), whole) << piece;
  }
}

TEST(Hash, SeesEveryFlippedBit) {
  std::string text(300, 'x');
  const std::string before = hash_hex(bytes_of(text));
  for (std::size_t bit = 0; bit < 8 * text.size(); ++bit) {
    text[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    ASSERT_NE(hash_hex(bytes_of(text)), before) << bit;
    text[bit / 8] ^= static_cast<char>(1 << (bit % 8));
  }
}

TEST(Crc32c, KnownValues) {
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43u);
}

}  // namespace
}  // namespace sinkwise
