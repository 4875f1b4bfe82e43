#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

#include "sinkwise/checkpoint/safetensors.h"
#include "sinkwise/core/error.h"
#include "unit/core/temporary_directory.h"

namespace sinkwise::checkpoint {
namespace {

std::string length_of(std::uint64_t length) {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i)
    bytes[static_cast<std::size_t>(i)] = static_cast<char>(length >> (8 * i));
  return bytes;
}

std::string file_of(const std::string& header, std::size_t data = 0) {
  return length_of(header.size()) + header + std::string(data, 'd');
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"t":)" + entry(dtype, shape, offsets) + "}";
}

struct Hostile {
  const char* name;
  std::string bytes;
  const char* complaint;  // part of the message
};

const std::string kEight = entry("\"U8\"", "[8]", "[0,8]");

// Every case must be refused for its own reason, so the complaint is checked as well.
const std::vector<Hostile> kCases = {
    {"EmptyFile", "", "header length"},
    {"SevenBytes", std::string(7, '\1'), "7 of 8 bytes"},
    {"LengthOverTheCap", length_of(100'000'001) + "{}", "at most 100000000"},
    {"LengthAllOnes", length_of(UINT64_MAX) + "{}", "at most 100000000"},
    {"LengthPastTheEnd", length_of(3) + "{}", "2 of them"},
    {"NoHeader", length_of(0), "'{'"},
    {"ByteOrderMark", file_of("\xEF\xBB\xBF{}"), "'{'"},
    {"LeadingSpace", file_of(" {}"), "'{'"},
    {"AnArray", file_of("[]"), "'{'"},
    {"CutJson", file_of(R"({"t":)"), "JSON"},
    {"TextAfterTheObject", file_of("{} {}"), "JSON"},
    {"NulAfterTheObject", file_of(std::string("{}\0", 3)), "NUL"},
    {"InvalidUtf8", file_of("{\"\xff\":" + kEight + "}", 8), "JSON"},
    {"DeepNesting", file_of("{\"t\":" + std::string(100000, '[')), "nested"},
    {"RepeatedTensor", file_of("{\"t\":" + kEight + ",\"t\":" + kEight + "}", 8), "repeated key"},
    {"RepeatedTensorInDisguise", file_of("{\"t\":" + kEight + ",\"\\u0074\":" + kEight + "}", 8),
     "repeated key"},
    {"RepeatedField",
     file_of(R"({"t":{"dtype":"U8","shape":[8],"shape":[4],"data_offsets":[0,8]}})", 8),
     "repeated key"},
    {"RepeatedMetadata", file_of(R"({"__metadata__":{},"__metadata__":{}})"), "repeated key"},
    {"MetadataIsAList", file_of(R"({"__metadata__":[]})"), "object"},
    {"MetadataValueIsANumber", file_of(R"({"__metadata__":{"a":1}})"), "strings only"},
    {"MetadataValueIsNested", file_of(R"({"__metadata__":{"a":{"b":"c"}}})"), "strings only"},
    {"EntryIsANumber", file_of(R"({"t":1})"), "an object"},
    {"EntryIsNull", file_of(R"({"t":null})"), "an object"},
    {"NoDtype", file_of(R"({"t":{"shape":[8],"data_offsets":[0,8]}})", 8), "dtype of 't'"},
    {"NoShape", file_of(R"({"t":{"dtype":"U8","data_offsets":[0,8]}})", 8), "shape of 't'"},
    {"NoOffsets", file_of(R"({"t":{"dtype":"U8","shape":[8]}})", 8), "data_offsets of 't'"},
    {"UnknownDtype", file_of(one("\"F33\"", "[2]", "[0,8]"), 8), "one of F64"},
    {"DtypeIsANumber", file_of(one("32", "[2]", "[0,8]"), 8), "one of F64"},
    {"ShapeIsANumber", file_of(one("\"U8\"", "8", "[0,8]"), 8), "shape of 't'"},
    {"NegativeDimension", file_of(one("\"U8\"", "[-8]", "[0,8]"), 8), "whole numbers"},
    {"TwoNegativeDimensions", file_of(one("\"U8\"", "[-2,-4]", "[0,8]"), 8), "whole numbers"},
    {"FractionalDimension", file_of(one("\"U8\"", "[8.0]", "[0,8]"), 8), "whole numbers"},
    {"DimensionOver63Bits", file_of(one("\"U8\"", "[9223372036854775808]", "[0,8]"), 8),
     "whole numbers"},
    {"DimensionOver64Bits", file_of(one("\"U8\"", "[18446744073709551624]", "[0,8]"), 8),
     "whole numbers"},
    {"NineDimensions", file_of(one("\"U8\"", "[1,1,1,1,1,1,1,1,8]", "[0,8]"), 8), "at most 8"},
    {"ProductWrapsToFour", file_of(one("\"U8\"", "[4194305,4194305,211106198978564]", "[0,4]"), 4),
     "product below"},
    {"ProductTimesSizeWrapsToZero", file_of(one("\"F64\"", "[2305843009213693952]", "[0,0]")),
     "product below"},
    {"HugeShapeFewBytes", file_of(one("\"F32\"", "[1000000000000]", "[0,8]"), 8),
     "4000000000000 bytes"},
    {"OffsetsAreOneNumber", file_of(one("\"U8\"", "[8]", "[8]"), 8), "two whole numbers"},
    {"OffsetsAreThreeNumbers", file_of(one("\"U8\"", "[8]", "[0,8,8]"), 8), "two whole numbers"},
    {"OffsetsAreNegative", file_of(one("\"U8\"", "[8]", "[-8,0]"), 8), "two whole numbers"},
    {"OffsetsAreStrings", file_of(one("\"U8\"", "[8]", R"(["0","8"])"), 8), "two whole numbers"},
    {"OffsetsReversed", file_of(one("\"U8\"", "[8]", "[8,0]"), 8), "begin <= end"},
    {"OffsetsPastTheEnd", file_of(one("\"U8\"", "[9]", "[0,9]"), 8), "begin <= end <= 8"},
    {"OffsetsWrap", file_of(one("\"U8\"", "[8]", "[18446744073709551608,0]"), 8), "begin <= end"},
    {"OffsetsDoNotFitTheShape", file_of(one("\"F32\"", "[3]", "[0,8]"), 8), "12 bytes"},
    {"HoleAtTheStart", file_of(one("\"U8\"", "[7]", "[1,8]"), 8), "begin at 0"},
    {"HoleBetween",
     file_of(R"({"a":)" + entry("\"U8\"", "[3]", "[0,3]") + R"(,"b":)" +
                 entry("\"U8\"", "[4]", "[4,8]") + "}",
             8),
     "begin at 3"},
    {"Overlap",
     file_of(R"({"a":)" + entry("\"U8\"", "[5]", "[0,5]") + R"(,"b":)" +
                 entry("\"U8\"", "[4]", "[4,8]") + "}",
             8),
     "begin at 5"},
    {"TwoTensorsOnOneRange", file_of("{\"a\":" + kEight + ",\"b\":" + kEight + "}", 8),
     "begin at 8"},
    {"BytesAfterTheData", file_of("{\"t\":" + kEight + "}", 9), "after 8 bytes of data"},
    {"BytesWithoutTensors", file_of("{}", 1), "after 0 bytes of data"},
};

void PrintTo(const Hostile& hostile, std::ostream* out) { *out << hostile.name; }

class HostileFile : public testing::TestWithParam<Hostile> {};

TEST_P(HostileFile, IsRefusedWithFileOffsetAndReason) {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / "bad.safetensors";
  std::ofstream(path, std::ios::binary) << GetParam().bytes;
  try {
    SafetensorsFile::open(path);
    FAIL() << "accepted";
  } catch (const BadFile& error) {
    const std::string message = error.what();
    EXPECT_NE(error.text().where.find(path.string() + ", byte "), std::string::npos) << message;
    EXPECT_NE(message.find(GetParam().complaint), std::string::npos) << message;
    EXPECT_FALSE(error.text().expected.empty());
    EXPECT_FALSE(error.text().found.empty());
    EXPECT_FALSE(error.text().next.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, HostileFile, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

class SafetensorsFuzz : public testing::Test {
 protected:
  // Whether the file was accepted; anything but BadFile fails the test.
  bool accepts(const std::string& bytes) {
    std::filesystem::remove(path_);  // truncating it instead makes some file systems flush
    std::ofstream(path_, std::ios::binary) << bytes;
    try {
      const SafetensorsFile file = SafetensorsFile::open(path_);
      return true;
    } catch (const BadFile&) {
      return false;
    }
  }

  test::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_.path() / "x.safetensors";
};

TEST_F(SafetensorsFuzz, AValidFileIsAccepted) {
  EXPECT_TRUE(accepts(file_of("{\"t\":" + kEight + "}", 8)));
  EXPECT_TRUE(accepts(file_of("{\"t\":" + kEight + "}   \n", 8)));
  EXPECT_TRUE(accepts(file_of(R"({"z":)" + entry("\"U8\"", "[0]", "[0,0]") + ",\"t\":" + kEight +
                                  R"(,"e":)" + entry("\"U8\"", "[0]", "[8,8]") + "}",
                              8)));
}

TEST_F(SafetensorsFuzz, EveryTruncationIsRefused) {
  const std::string bytes = file_of("{\"t\":" + kEight + "}", 8);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(accepts(bytes.substr(0, size))) << size;
  }
}

TEST_F(SafetensorsFuzz, RandomDamageNeverDoesWorseThanABadFile) {
  const std::string bytes =
      file_of(R"({"__metadata__":{"a":"b"},"u":)" + entry("\"F32\"", "[2,3]", "[8,32]") +
                  ",\"t\":" + kEight + "}",
              32);
  std::mt19937 random(11);
  int accepted = 0;
  constexpr int kTrials = 5000;
  for (int i = 0; i < kTrials; ++i) {
    std::string damaged = bytes;
    for (auto edits = 1 + random() % 3; edits > 0; --edits) {
      damaged[random() % (bytes.size() - 32)] = static_cast<char>(random());
    }
    accepted += accepts(damaged) ? 1 : 0;
  }
  EXPECT_LT(accepted, kTrials / 2);  // names and metadata may change and stay valid
}

TEST_F(SafetensorsFuzz, AHundredThousandTensorsTakeLessThanASecond) {
  std::string header = "{";
  for (int i = 0; i < 100000; ++i) {
    header += (i == 0 ? "\"" : ",\"") + std::to_string(i) +
              R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  }
  const std::string bytes = file_of(header + "}");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(accepts(bytes));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));  // 1 when alone
}

}  // namespace
}  // namespace sinkwise::checkpoint
