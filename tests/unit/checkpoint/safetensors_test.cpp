#include "sinkwise/checkpoint/safetensors.h"

#include <cstring>
#include <gtest/gtest.h>
#include <numeric>

#include "sinkwise/core/bytes.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/hash.h"
#include "unit/core/faulty_file_system.h"
#include "unit/core/temporary_directory.h"

namespace sinkwise::checkpoint {
namespace {

class Safetensors : public testing::Test {
 protected:
  std::filesystem::path path() const { return directory_.path() / "x.safetensors"; }
  std::string content() const { return read_file(path(), 1 << 20); }

  test::TemporaryDirectory directory_;
  std::string bytes_ = [] {
    std::string bytes(64, '\0');
    std::iota(bytes.begin(), bytes.end(), '\1');
    return bytes;
  }();

  TensorView view(std::string name, Dtype dtype, std::vector<std::int64_t> shape) const {
    std::size_t size = dtype_size(dtype);
    for (const auto dim : shape) size *= static_cast<std::size_t>(dim);
    return {std::move(name), dtype, std::move(shape), bytes_of(bytes_).first(size)};
  }
};

TEST_F(Safetensors, DtypesHaveTheirNamesAndSizes) {
  const std::vector<std::pair<std::string, std::size_t>> expected = {
      {"F64", 8}, {"F32", 4},  {"F16", 2},     {"BF16", 2},    {"I64", 8},     {"I32", 4},
      {"U8", 1},  {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"F8_E8M0", 1}, {"I16", 2},
      {"I8", 1},  {"U64", 8},  {"U32", 4},     {"U16", 2}};
  for (const auto& [name, size] : expected) {
    const auto dtype = dtype_of(name);
    ASSERT_TRUE(dtype) << name;
    EXPECT_EQ(dtype_name(*dtype), name);
    EXPECT_EQ(dtype_size(*dtype), size);
  }
  EXPECT_FALSE(dtype_of("f32"));
  EXPECT_FALSE(dtype_of(""));
}

TEST_F(Safetensors, WritesTheDocumentedBytes) {
  const std::vector<TensorView> tensors = {view("b", Dtype::U8, {3}),
                                           view("a", Dtype::F32, {1, 2})};
  const WrittenFile written = write_safetensors(path(), tensors);
  std::string header = R"({"a":{"data_offsets":[0,8],"dtype":"F32","shape":[1,2]},)"
                       R"("b":{"data_offsets":[8,11],"dtype":"U8","shape":[3]}})";
  header.append((8 - header.size() % 8) % 8, ' ');
  std::string expected(8, '\0');
  expected[0] = static_cast<char>(header.size());
  expected += header + bytes_.substr(0, 8) + bytes_.substr(0, 3);
  EXPECT_EQ(content(), expected);
  EXPECT_EQ(written.bytes, expected.size());
  EXPECT_EQ(written.hash, hash_hex(bytes_of(expected)));
  EXPECT_EQ(safetensors_bytes(tensors), expected.size());
}

TEST_F(Safetensors, ReadsBackWhatItWrote) {
  const std::vector<TensorView> tensors = {view("scalar", Dtype::F64, {}),
                                           view("mask", Dtype::BOOL, {3, 1}),
                                           view("weight", Dtype::BF16, {2, 3}),
                                           view("ids", Dtype::I64, {2}),
                                           view("none", Dtype::F32, {0, 5}),
                                           view("void", Dtype::U8, {4, 0}),
                                           view("half", Dtype::F16, {1, 1, 1, 1, 1, 1, 1, 3}),
                                           view("small", Dtype::F8_E4M3, {5}),
                                           view("steps", Dtype::I32, {1}),
                                           view("名前\n\"", Dtype::U8, {1}),
                                           view("", Dtype::U8, {2})};
  const Metadata metadata = {{"format", "pt"}, {"übung", ""}};
  const WrittenFile written = write_safetensors(path(), tensors, metadata);
  const SafetensorsFile file = SafetensorsFile::open(path());
  EXPECT_EQ(written.bytes, std::filesystem::file_size(path()));
  EXPECT_EQ(file.metadata(), metadata);
  ASSERT_EQ(file.tensors().size(), tensors.size());
  for (const TensorView& tensor : tensors) {
    const TensorView* found = file.find(tensor.name);
    ASSERT_NE(found, nullptr) << tensor.name;
    EXPECT_EQ(found->name, tensor.name);
    EXPECT_EQ(found->dtype, tensor.dtype);
    EXPECT_EQ(found->shape, tensor.shape);
    EXPECT_EQ(text_of(found->data), text_of(tensor.data));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(found->data.data()) % dtype_size(found->dtype), 0u);
  }
  EXPECT_EQ(file.find("absent"), nullptr);
  EXPECT_EQ(file.find("__metadata__"), nullptr);
}

TEST_F(Safetensors, AnEmptyFileOfTensorsIsValid) {
  write_safetensors(path(), {});
  const SafetensorsFile file = SafetensorsFile::open(path());
  EXPECT_TRUE(file.tensors().empty());
  EXPECT_TRUE(file.metadata().empty());
}

TEST_F(Safetensors, ViewsSurviveMovingTheFile) {
  write_safetensors(path(), std::vector{view("a", Dtype::U8, {9})});
  SafetensorsFile file = SafetensorsFile::open(path());
  const TensorView before = *file.find("a");
  const SafetensorsFile moved = std::move(file);
  EXPECT_EQ(moved.find("a")->data.data(), before.data.data());
  EXPECT_EQ(text_of(before.data), bytes_.substr(0, 9));
}

TEST_F(Safetensors, TensorsLargerThanAPieceArriveWhole) {
  std::string large((std::size_t{3} << 20) + 17, '\0');
  for (std::size_t i = 0; i < large.size(); ++i)
    large[i] = static_cast<char>(i * 2654435761u >> 13);
  const TensorView tensor{
      "x", Dtype::U8, {static_cast<std::int64_t>(large.size())}, bytes_of(large)};
  const WrittenFile written = write_safetensors(path(), std::span(&tensor, 1));
  EXPECT_EQ(written.hash, hash_hex(bytes_of(read_file(path(), 1 << 23))));
  EXPECT_EQ(text_of(SafetensorsFile::open(path()).find("x")->data), large);
}

TEST_F(Safetensors, RefusesWhatItCouldNotReadBack) {
  const auto write = [&](const TensorView& a) { write_safetensors(path(), std::span(&a, 1)); };
  TensorView tensor = view("a", Dtype::F32, {2});
  tensor.data = tensor.data.first(7);
  EXPECT_THROW(write(tensor), BadArgument);
  EXPECT_THROW(write({"a", Dtype::U8, {-1}, {}}), BadArgument);
  EXPECT_THROW(write({"a", Dtype::U8, {1ll << 62, 4}, {}}), BadArgument);  // product is 2^64
  EXPECT_THROW(write(view("a", Dtype::U8, {1, 1, 1, 1, 1, 1, 1, 1, 1})), BadArgument);
  EXPECT_THROW(write(view("__metadata__", Dtype::U8, {1})), BadArgument);
  EXPECT_THROW(write(view("\xff", Dtype::U8, {1})), BadArgument);
  const std::vector<TensorView> twice = {view("a", Dtype::U8, {1}), view("a", Dtype::U8, {2})};
  EXPECT_THROW(write_safetensors(path(), twice), BadArgument);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(Safetensors, AFailedWriteKeepsTheFileThatIsThere) {
  write_safetensors(path(), std::vector{view("a", Dtype::U8, {9})});
  const std::string before = content();
  for (int n = 1; n <= 5; ++n) {  // create, two writes, sync, rename
    test::FaultyFileSystem disk(test::FaultyFileSystem::Fault::error_once, n);
    EXPECT_THROW(write_safetensors(path(), std::vector{view("b", Dtype::U8, {3})}), ResourceError);
    EXPECT_EQ(content(), before) << n;
  }
}

}  // namespace
}  // namespace sinkwise::checkpoint
