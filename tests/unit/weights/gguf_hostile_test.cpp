#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>
#include <random>

#include "sinkwise/core/error.h"
#include "sinkwise/weights/gguf.h"
#include "unit/core/temporary_directory.h"
#include "unit/weights/fixtures.h"
#include "unit/weights/gguf_bytes.h"

namespace sinkwise::weights {
namespace {

using test::gguf_array;
using test::gguf_bytes;
using test::gguf_key;
using test::gguf_start;
using test::gguf_string;
using test::gguf_tensor;
using test::raw;

// Numbers of types in the file.
constexpr std::uint32_t kU32 = 4, kBool = 7, kString = 8, kArray = 9, kU64 = 10;
constexpr std::uint32_t kF32 = 0, kQ4_0 = 2, kQ4_2 = 4, kQ4K = 12;
constexpr std::uint64_t k2To60 = std::uint64_t{1} << 60;

struct Hostile {
  const char* name;
  std::string bytes;
  const char* complaint;  // part of the message
};

std::string key(std::uint32_t type, const std::string& value) {
  return gguf_start(0, 1) + gguf_key("k", type, value);
}

std::string alignment(std::uint32_t value) {
  return gguf_start(0, 1) + gguf_key("general.alignment", kU32, raw(value));
}

std::string tensor(const std::vector<std::uint64_t>& dims, std::uint32_t type = kF32,
                   std::uint64_t offset = 0, std::size_t data = 64) {
  return gguf_bytes({}, {gguf_tensor("t", dims, type, offset)}, std::string(data, 'd'));
}

std::string two_tensors(std::uint64_t first_offset, std::uint64_t second_offset) {
  return gguf_bytes(
      {}, {gguf_tensor("a", {8}, kF32, first_offset), gguf_tensor("b", {8}, kF32, second_offset)},
      std::string(96, 'd'));
}

std::string nested(int depth) {
  std::string value;
  for (int i = 1; i < depth; ++i) value += gguf_array(kArray, 1, "");
  return key(kArray, value + gguf_array(kU32, 1, raw<std::uint32_t>(7)));
}

// Every case must be refused for its own reason, so the complaint is checked as well.
const std::vector<Hostile> kCases = {
    {"EmptyFile", "", "magic"},
    {"AnotherMagic", "GGML" + std::string(60, '\0'), "'GGML'"},
    {"Version0", gguf_start(0, 0, 0), "2 or 3"},
    {"Version1", gguf_start(0, 0, 1), "2 or 3"},
    {"Version4", gguf_start(0, 0, 4), "2 or 3"},
    {"BigEndian", gguf_start(0, 0, 3u << 24), "big-endian"},
    {"TensorCountAllOnes", gguf_start(UINT64_MAX, 0), "number of tensors"},
    {"TensorCount2To60", gguf_start(k2To60, 0), "number of tensors"},
    {"TensorCountOverTheFile", gguf_start(3, 0) + std::string(71, '\0'), "at most 2"},
    {"KeyCountAllOnes", gguf_start(0, UINT64_MAX), "number of keys"},
    {"KeyCountOverTheFile", gguf_start(0, 2) + std::string(25, '\0'), "at most 1"},
    {"KeyOf2To60Bytes", gguf_start(0, 1) + raw(k2To60) + std::string(32, 'k'), "key 0"},
    {"KeyOverTheCap", gguf_start(0, 1) + gguf_string(std::string(1025, 'k')) + raw(kU32) + "1234",
     "at most 1024"},
    {"KeyThatIsNoUtf8", gguf_start(0, 1) + gguf_key("k\xE8", kU32, "1234"), "'k\\xe8'"},
    {"KeyPastTheEnd", gguf_start(0, 1) + raw<std::uint64_t>(100) + std::string(32, 'k'),
     "100 bytes"},
    {"RepeatedKey", gguf_start(0, 2) + gguf_key("k", kU32, "1234") + gguf_key("k", kU32, "1234"),
     "repeated 'k'"},
    {"UnknownValueType", key(13, std::string(16, '\0')), "a type from 0 to 12"},
    {"UnknownValueTypeAllOnes", key(UINT32_MAX, std::string(16, '\0')), "a type from 0 to 12"},
    {"ValueCut", key(kU64, "1234567"), "value of key 'k'"},
    {"BoolOf2", key(kBool, "\2"), "0 or 1"},
    {"StringOf2To60Bytes", key(kString, raw(k2To60) + "abc"), "at most 16777216"},
    {"StringPastTheEnd", key(kString, raw<std::uint64_t>(4) + "abc"), "4 bytes"},
    {"ArrayOfUnknownType", key(kArray, gguf_array(13, 1, "1234")), "a type from 0 to 12"},
    {"ArrayOf2To60", key(kArray, gguf_array(kU32, k2To60, "1234")), "at most 1"},
    {"ArrayWhoseBytesWrap", key(kArray, gguf_array(kU32, (std::uint64_t{1} << 62) + 1, "1234")),
     "at most 1"},
    {"ArrayOf2To60Strings", key(kArray, gguf_array(kString, k2To60, "12345678")), "at most 1"},
    {"ArrayOf2To60Arrays", key(kArray, gguf_array(kArray, k2To60, std::string(12, '\0'))),
     "at most 1"},
    {"ArrayOfBoolsWithA2", key(kArray, gguf_array(kBool, 3, "\1\1\2")), "0 or 1"},
    {"ArrayOfStringsCut", key(kArray, gguf_array(kString, 1, raw<std::uint64_t>(9) + "12345678")),
     "9 bytes"},
    {"ArraysFiveDeep", nested(5), "nested at most 4"},
    {"ArraysAHundredThousandDeep", nested(100'000), "nested at most 4"},
    {"AlignmentZero", alignment(0), "a power of two"},
    {"AlignmentThree", alignment(3), "a power of two"},
    {"Alignment2To31", alignment(1u << 31), "a power of two up to 1048576"},
    {"AlignmentIsAString",
     gguf_start(0, 1) + gguf_key("general.alignment", kString, gguf_string("32")), "another type"},
    {"NameOf2To60Bytes", gguf_start(1, 0) + raw(k2To60) + std::string(64, 't'), "name of tensor 0"},
    {"NameThatActsOnATerminal",
     gguf_bytes({}, {gguf_tensor("\x1b[31m", {8}, kF32, 0)}, std::string(32, 'd')), "'\\x1b[31m'"},
    {"NameThatIsNoUtf8",
     gguf_bytes({}, {gguf_tensor("\xC0\x80", {8}, kF32, 0)}, std::string(32, 'd')),
     "without control"},
    {"RepeatedTensor",
     gguf_bytes({}, {gguf_tensor("t", {8}, kF32, 0), gguf_tensor("t", {8}, kF32, 32)},
                std::string(64, 'd')),
     "repeated 't'"},
    {"FiveDimensions", tensor({1, 1, 1, 1, 1}), "at most 4 dimensions"},
    {"DimensionCountAllOnes",
     gguf_start(1, 0) + gguf_string("t") + raw(UINT32_MAX) + std::string(64, '\0'),
     "at most 4 dimensions"},
    {"DimensionOver63Bits", tensor({std::uint64_t{1} << 63}), "below 2^63"},
    {"DimensionAllOnes", tensor({UINT64_MAX}), "below 2^63"},
    {"ProductWrapsTo4", tensor({4194305, 4194305, 211106198978564}), "product below"},
    {"ProductWrapsToZero", tensor({std::uint64_t{1} << 32, std::uint64_t{1} << 32}),
     "product below"},
    {"ProductTimesSizeWraps", tensor({std::uint64_t{1} << 62}), "product below"},
    {"ElementsOverflowWhereBytesDoNot", tensor({std::uint64_t{1} << 62, 2}, kQ4_0),
     "product below"},
    {"OverflowThenZero", tensor({std::uint64_t{1} << 62, 4, 0}), "product below"},
    {"HugeShapeFewBytes", tensor({std::uint64_t{1} << 40}), "4398046511104 bytes"},
    {"RowsThatAreNoBlocks", tensor({33}, kQ4_0), "a multiple of 32 for type Q4_0"},
    {"RowsThatAreNoSuperBlocks", tensor({64, 4}, kQ4K), "a multiple of 256 for type Q4_K"},
    {"ScalarOfBlocks", tensor({}, kQ4_0), "a multiple of 32"},
    {"TypeThatGgmlDropped", tensor({32}, kQ4_2), "type number 4"},
    {"UnknownType", tensor({32}, 42), "type number 42"},
    {"UnknownTypeAllOnes", tensor({32}, UINT32_MAX), "one of F64"},
    {"OffsetMisaligned", tensor({8}, kF32, 4), "offset of tensor 't'"},
    {"OffsetPastTheEnd", tensor({8}, kF32, 4096), "offset of tensor 't'"},
    {"OffsetWraps", tensor({8}, kF32, UINT64_MAX - 31), "offset of tensor 't'"},
    {"DataPastTheEnd", tensor({17}), "data of tensor 't'"},
    {"NoData", tensor({8}, kF32, 0, 0), "data of tensor 't'"},
    {"TensorsOverlap", two_tensors(0, 0), "offset of tensor 'b'"},
    {"TensorsInReverse", two_tensors(32, 0), "offset of tensor 'a'"},
    {"HoleBetweenTensors", two_tensors(0, 64), "offset of tensor 'b'"},
};

void PrintTo(const Hostile& hostile, std::ostream* out) { *out << hostile.name; }

class HostileGguf : public testing::TestWithParam<Hostile> {};

TEST_P(HostileGguf, IsRefusedWithFileOffsetAndReason) {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / "bad.gguf";
  test::put(path, GetParam().bytes);
  try {
    GgufFile::open(path);
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

INSTANTIATE_TEST_SUITE_P(Cases, HostileGguf, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

class DamagedGguf : public testing::Test {
 protected:
  // Whether the file was accepted; anything but BadFile fails the test. What was accepted is read.
  bool accepts(const std::string& bytes) {
    test::put(path_, bytes);
    try {
      const GgufFile file = GgufFile::open(path_);
      for (const auto& [key, value] : file.metadata().values()) {
        if (const auto* array = std::get_if<GgufArray>(&value)) array->values();
      }
      for (const GgufTensor& tensor : file.tensors()) read(tensor);
      return true;
    } catch (const BadFile&) {
      return false;
    }
  }

  static void read(const GgufTensor& tensor) {
    if (!converts(tensor.type)) return;
    const auto blocks = tensor.data.size() / block_bytes(tensor.type);
    std::vector<float> values(blocks * block_elements(tensor.type));
    to_float32(tensor.type, tensor.data, values);
  }

  test::TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_.path() / "x.gguf";
};

TEST_F(DamagedGguf, EveryTruncationIsRefused) {
  const std::string bytes = test::read(test::fixtures() / "metadata.gguf");
  const std::size_t padding = 64 - 20;  // behind the last tensor, five numbers long: may be missing
  ASSERT_TRUE(accepts(bytes.substr(0, bytes.size() - padding)));
  for (std::size_t size = 0; size < bytes.size() - padding; ++size) {
    EXPECT_FALSE(accepts(bytes.substr(0, size))) << size;
  }
}

TEST_F(DamagedGguf, NoFlippedBitDoesWorseThanABadFile) {
  const std::string bytes = test::read(test::fixtures() / "metadata.gguf");
  std::size_t accepted = 0;
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    accepted += accepts(damaged) ? 1 : 0;
  }
  EXPECT_GT(accepted, 0u);  // values and data may change and stay valid
  EXPECT_LT(accepted, 8 * bytes.size());
}

TEST_F(DamagedGguf, RandomDamageNeverDoesWorseThanABadFile) {
  std::string bytes = test::read(test::fixtures() / "types.gguf");
  std::mt19937 random(12);
  constexpr std::size_t kHeader = 1500;
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = bytes;
    for (auto edits = 1 + random() % 4; edits > 0; --edits) {
      damaged[random() % kHeader] = static_cast<char>(random());
    }
    accepts(damaged);
  }
}

TEST_F(DamagedGguf, AHundredThousandTensorsTakeLessThanASecond) {
  std::vector<std::string> tensors;
  for (int i = 0; i < 100'000; ++i) {
    tensors.push_back(gguf_tensor("blk." + std::to_string(i) + ".weight", {0}, kF32, 0));
  }
  const std::string bytes = gguf_bytes({}, tensors, "");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(accepts(bytes));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));  // 1 when alone
}

}  // namespace
}  // namespace sinkwise::weights
