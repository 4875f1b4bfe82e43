#include "sinkwise/data/token_file.h"

#include <cstring>
#include <gtest/gtest.h>
#include <numeric>
#include <vector>

#include "folder.h"

namespace sinkwise::data::test {
namespace {

constexpr std::int64_t kAny = std::int64_t{1} << 31;

std::string field(std::int32_t value) {
  std::string bytes(4, '\0');
  std::memcpy(bytes.data(), &value, 4);
  return bytes;
}

std::string header(std::int32_t magic, std::int32_t version, std::int32_t count) {
  return field(magic) + field(version) + field(count) + std::string(253 * 4, '\0');
}

TEST(TokenFile, RoundTripOfBothWidths) {
  const Folder folder;
  const std::vector<std::int32_t> ids = {0, 1, 65535, 258, 7};
  for (int width : {2, 4}) {
    const std::string path = folder.at("tokens.bin");
    write_token_file(path, ids, width);
    EXPECT_EQ(std::filesystem::file_size(path), 1024u + 5u * static_cast<unsigned>(width));
    const TokenFile file = TokenFile::open(path);
    EXPECT_EQ(file.size(), 5);
    EXPECT_EQ(file.bytes_per_id(), width);
    std::vector<std::int32_t> back(5);
    file.read(0, back, kAny);
    EXPECT_EQ(back, ids);
    std::vector<std::int32_t> middle(2);
    file.read(2, middle, kAny);
    EXPECT_EQ(middle, (std::vector<std::int32_t>{65535, 258}));
    EXPECT_EQ(file.largest_id(kAny), 65535);
    EXPECT_THROW(file.read(4, middle, kAny), BadArgument);
    EXPECT_THROW(file.read(-1, middle, kAny), BadArgument);
  }
}

// The first bytes as llm.c's own writer lays them out, written by hand.
TEST(TokenFile, ReadsTheBytesOfTheFormat) {
  const Folder folder;
  const auto two = TokenFile::open(
      folder.write("two.bin", header(20240520, 1, 2) + std::string("\x34\x12\x01\x00", 4)));
  std::vector<std::int32_t> ids(2);
  two.read(0, ids, kAny);
  EXPECT_EQ(ids, (std::vector<std::int32_t>{0x1234, 1}));
  const auto four = TokenFile::open(
      folder.write("four.bin", header(20240801, 7, 1) + std::string("\x00\xf4\x01\x00", 4)));
  ids.resize(1);
  four.read(0, ids, kAny);
  EXPECT_EQ(ids[0], 128000);
}

TEST(TokenFile, LargeIdsOfFourBytes) {
  const Folder folder;
  write_token_file(folder.at("t.bin"), std::vector<std::int32_t>{128255, 5}, 4);
  EXPECT_EQ(TokenFile::open(folder.at("t.bin")).largest_id(kAny), 128255);
}

TEST(TokenFile, FingerprintTellsFilesApart) {
  const Folder folder;
  std::vector<std::int32_t> ids(100'000);
  std::iota(ids.begin(), ids.end(), 0);
  write_token_file(folder.at("a.bin"), ids, 4);
  write_token_file(folder.at("b.bin"), ids, 4);
  ids.back() = 0;
  write_token_file(folder.at("c.bin"), ids, 4);
  const auto a = TokenFile::open(folder.at("a.bin")).fingerprint();
  EXPECT_EQ(a, TokenFile::open(folder.at("b.bin")).fingerprint());
  EXPECT_NE(a, TokenFile::open(folder.at("c.bin")).fingerprint());
}

TEST(TokenFile, WriterRefusesWhatTheFormatCannotHold) {
  const Folder folder;
  const auto writes = [&](std::vector<std::int32_t> ids, int width) {
    write_token_file(folder.at("t.bin"), ids, width);
  };
  EXPECT_THROW(writes({65536}, 2), BadArgument);
  EXPECT_THROW(writes({-1}, 2), BadArgument);
  EXPECT_THROW(writes({-1}, 4), BadArgument);
  EXPECT_THROW(writes({}, 2), BadArgument);
  EXPECT_THROW(writes({1}, 3), BadArgument);
  EXPECT_FALSE(std::filesystem::exists(folder.at("t.bin")));
}

struct Malformed {
  const char* name;
  std::string bytes;
  const char* mentions;
};

TEST(TokenFile, MalformedFilesAreRefusedWithWhatIsWrong) {
  const std::string two_tokens("\1\0\2\0", 4);
  const Malformed cases[] = {
      {"empty", "", "0 of 1024 bytes"},
      {"one byte", "x", "1 of 1024 bytes"},
      {"header cut", header(20240520, 1, 2).substr(0, 1023), "1023 of 1024 bytes"},
      {"text", std::string(2000, 'a'), "20240520"},
      {"zeros", std::string(2000, '\0'), "found:    0"},
      {"evaluation file", header(20240522, 1, 2) + two_tokens, "20240522"},
      {"model checkpoint", header(20240326, 3, 2) + two_tokens, "20240326"},
      {"big endian", std::string("\x01\x34\xd8\x88", 4) + header(0, 1, 2) + two_tokens, "magic"},
      {"version 0", header(20240520, 0, 2) + two_tokens, "version"},
      {"version 7 of uint16", header(20240520, 7, 2) + two_tokens, "version"},
      {"version 1 of uint32", header(20240801, 1, 1) + two_tokens, "version"},
      {"version negative", header(20240520, -1, 2) + two_tokens, "version"},
      {"no tokens", header(20240520, 1, 0), "at least 1"},
      {"negative count", header(20240520, 1, -5) + two_tokens, "-5"},
      {"smallest count", header(20240520, 1, INT32_MIN) + two_tokens, "at least 1"},
      {"largest count", header(20240520, 1, INT32_MAX) + two_tokens, "1028 of 4294968318 bytes"},
      {"one short", header(20240520, 1, 3) + two_tokens, "1028 of 1030 bytes"},
      {"half a token", header(20240520, 1, 2) + two_tokens.substr(0, 3), "1027 of 1028 bytes"},
      {"one long", header(20240520, 1, 1) + two_tokens, "1028 of 1026 bytes"},
      {"wrong width", header(20240801, 7, 2) + two_tokens, "1028 of 1032 bytes"},
      {"header only", header(20240801, 7, 1), "1024 of 1028 bytes"},
  };
  const Folder folder;
  for (const Malformed& malformed : cases) {
    const std::string path = folder.write("bad.bin", malformed.bytes);
    const std::string message = bad_file_message([&] { TokenFile::open(path); });
    EXPECT_NE(message.find(malformed.mentions), std::string::npos)
        << malformed.name << ": " << message;
    EXPECT_NE(message.find("bad.bin"), std::string::npos) << message;
    EXPECT_EQ(message.find("unhelpful"), std::string::npos) << message;
  }
}

TEST(TokenFile, PathsThatAreNoFiles) {
  const Folder folder;
  std::filesystem::create_directory(folder.at("folder"));
  std::filesystem::create_symlink("nowhere", folder.at("dangling"));
  for (const std::string& path : {folder.at("missing"), folder.at("folder"), folder.at("dangling"),
                                  std::string("/dev/zero"), std::string()}) {
    EXPECT_NE(bad_file_message([&] { TokenFile::open(path); }), "") << path;
  }
}

TEST(TokenFile, AnIdOutsideTheVocabularyIsNamedWithItsPlace) {
  const Folder folder;
  write_token_file(folder.at("t.bin"), std::vector<std::int32_t>{1, 2, 50257, 3}, 2);
  const TokenFile file = TokenFile::open(folder.at("t.bin"));
  std::vector<std::int32_t> ids(4);
  const std::string message = bad_file_message([&] { file.read(0, ids, 50257); });
  EXPECT_NE(message.find("token 2, byte 1028"), std::string::npos) << message;
  EXPECT_NE(bad_file_message([&] { file.largest_id(3); }), "");
  EXPECT_NO_THROW(file.read(0, ids, 50258));
}

TEST(TokenFile, IdsBeyondInt32AreRefused) {
  const Folder folder;
  const auto file = TokenFile::open(
      folder.write("t.bin", header(20240801, 7, 1) + std::string("\xff\xff\xff\xff", 4)));
  std::vector<std::int32_t> ids(1);
  EXPECT_NE(bad_file_message([&] { file.read(0, ids, kAny); }), "");
}

}  // namespace
}  // namespace sinkwise::data::test
