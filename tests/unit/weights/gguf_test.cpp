#include "sinkwise/weights/gguf.h"

#include <gtest/gtest.h>

#include "sinkwise/core/error.h"
#include "unit/core/temporary_directory.h"
#include "unit/weights/fixtures.h"
#include "unit/weights/gguf_bytes.h"

namespace sinkwise::weights {
namespace {

using test::fixtures;

template <typename Value>
std::vector<Value> values_of(const GgufArray& array) {
  std::vector<Value> values;
  for (const GgufValue& value : array.values()) values.push_back(std::get<Value>(value));
  return values;
}

void expect_metadata(const GgufMetadata& metadata) {
  const auto is = [&](const char* key, const auto& expected) {
    const GgufValue* value = metadata.find(key);
    ASSERT_NE(value, nullptr) << key;
    using Value = std::decay_t<decltype(expected)>;
    ASSERT_TRUE(std::holds_alternative<Value>(*value)) << key;
    EXPECT_EQ(std::get<Value>(*value), expected) << key;
  };
  is("general.architecture", std::string_view("llama"));
  is("u8", std::uint64_t{255});
  is("i8", std::int64_t{-128});
  is("u16", std::uint64_t{65535});
  is("i16", std::int64_t{-32768});
  is("u32", std::uint64_t{4294967295});
  is("i32", std::int64_t{INT32_MIN});
  is("u64", UINT64_MAX);
  is("i64", INT64_MIN);
  is("f32", double{0.1f});
  is("f64", 0.1);
  is("yes", true);
  is("no", false);
  is("text", std::string_view("größer\n"));
}

void expect_arrays(const GgufMetadata& metadata) {
  EXPECT_EQ(values_of<std::string_view>(metadata.array("words")),
            (std::vector<std::string_view>{"a", "", "längst"}));
  EXPECT_EQ(values_of<std::int64_t>(metadata.array("numbers")),
            (std::vector<std::int64_t>{1, -2, 3}));
  EXPECT_EQ(values_of<bool>(metadata.array("bools")), (std::vector<bool>{true, false}));
  const auto nested = values_of<GgufArray>(metadata.array("nested"));
  ASSERT_EQ(nested.size(), 3u);
  EXPECT_EQ(values_of<std::int64_t>(nested[2]), (std::vector<std::int64_t>{4, 5, 6}));
  const auto words = values_of<GgufArray>(metadata.array("nested_words"));
  ASSERT_EQ(words.size(), 2u);
  const auto inner = values_of<GgufArray>(words[0]);
  ASSERT_EQ(inner.size(), 2u);
  EXPECT_EQ(values_of<std::string_view>(inner[1]), std::vector<std::string_view>{"er"});
}

TEST(Gguf, ReadsEveryTypeOfMetadataInBothVersions) {
  for (const char* name : {"metadata.gguf", "version2.gguf"}) {
    SCOPED_TRACE(name);
    const GgufFile file = GgufFile::open(fixtures() / name);
    EXPECT_EQ(file.metadata().values().size(), 20u);
    expect_metadata(file.metadata());
    expect_arrays(file.metadata());
  }
}

TEST(Gguf, ShapesAreSlowestFirstAndDataIsWhereTheAlignmentPutsIt) {
  const GgufFile file = GgufFile::open(fixtures() / "metadata.gguf");
  ASSERT_EQ(file.tensors().size(), 2u);
  const GgufTensor& first = file.tensors()[0];
  const GgufTensor& second = file.tensors()[1];
  EXPECT_EQ(first.name, "first");
  EXPECT_EQ(first.shape, (std::vector<std::int64_t>{3, 5}));
  EXPECT_EQ(first.type, StorageType::F32);
  EXPECT_EQ(first.data.size(), 60u);
  EXPECT_EQ(second.data.data() - first.data.data(), 64);
  const auto at_page = reinterpret_cast<std::uintptr_t>(first.data.data()) % 4096;
  EXPECT_EQ(at_page % 64, 0u);
}

TEST(Gguf, GettersSayWhatIsMissingOrOfAnotherType) {
  const GgufFile file = GgufFile::open(fixtures() / "metadata.gguf");
  const GgufMetadata& metadata = file.metadata();
  EXPECT_EQ(metadata.integer("u16"), 65535u);
  EXPECT_EQ(metadata.number("i8"), -128);
  EXPECT_EQ(metadata.number("u8"), 255);
  EXPECT_EQ(metadata.number("f64"), 0.1);
  EXPECT_EQ(metadata.text("general.architecture"), "llama");
  EXPECT_THROW(metadata.integer("i8"), BadFile);  // negative
  EXPECT_THROW(metadata.integer("f64"), BadFile);
  EXPECT_THROW(metadata.number("text"), BadFile);
  EXPECT_THROW(metadata.text("u8"), BadFile);
  EXPECT_THROW(metadata.array("u8"), BadFile);
  try {
    metadata.integer("llama.block_count");
    FAIL();
  } catch (const BadFile& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("'llama.block_count'"), std::string::npos) << message;
    EXPECT_NE(message.find("metadata.gguf"), std::string::npos) << message;
    EXPECT_NE(message.find("no such key"), std::string::npos) << message;
  }
}

TEST(Gguf, ViewsSurviveTakingTheMapping) {
  GgufFile file = GgufFile::open(fixtures() / "metadata.gguf");
  const GgufMetadata metadata = file.metadata();
  const MappedFile mapping = std::move(file).take_file();
  expect_metadata(metadata);
}

TEST(Gguf, AcceptsWhatIsSmallButValid) {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / "small.gguf";
  const auto tensors = [&](const std::string& bytes) {
    test::put(path, bytes);
    return GgufFile::open(path).tensors().size();
  };
  EXPECT_EQ(tensors(test::gguf_start(0, 0)), 0u);
  EXPECT_EQ(tensors(test::gguf_bytes({}, {test::gguf_tensor("scalar", {}, 0, 0)}, "1234")), 1u);
  EXPECT_EQ(tensors(test::gguf_bytes({}, {test::gguf_tensor("none", {0}, 0, 0)}, "")), 1u);
  EXPECT_EQ(tensors(test::gguf_bytes({}, {test::gguf_tensor("none", {32, 0}, 2, 0)}, "")), 1u);
  const std::vector<std::string> two = {test::gguf_tensor("a", {1}, 0, 0),
                                        test::gguf_tensor("b", {1}, 0, 4)};
  const auto aligned_to_four = test::gguf_key("general.alignment", 4, test::raw<std::uint32_t>(4));
  EXPECT_EQ(tensors(test::gguf_bytes({aligned_to_four}, two, "12345678", 4)), 2u);
}

}  // namespace
}  // namespace sinkwise::weights
