#include "sinkwise/weights/weights.h"

#include <gtest/gtest.h>
#include <numeric>
#include <unistd.h>

#include "sinkwise/checkpoint/safetensors.h"
#include "sinkwise/core/error.h"
#include "unit/core/temporary_directory.h"
#include "unit/weights/fixtures.h"
#include "unit/weights/gguf_bytes.h"

namespace sinkwise::weights {
namespace {

namespace fs = std::filesystem;
using checkpoint::Dtype;
using checkpoint::TensorView;
using test::fixtures;
using test::floats;

std::vector<std::string> names_of(const Weights& model) {
  std::vector<std::string> names;
  for (const Tensor& tensor : model.tensors()) names.push_back(tensor.name);
  return names;
}

TEST(Weights, ReadsAFolderOfShards) {
  const Weights model = Weights::open(fixtures() / "shards");
  EXPECT_EQ(names_of(model).size(), 4u);
  const Tensor& embed = model.at("embed");
  EXPECT_EQ(embed.type, StorageType::F16);
  EXPECT_EQ(embed.shape, (std::vector<std::int64_t>{4, 6}));
  EXPECT_EQ(embed.elements, 24u);
  EXPECT_EQ(model.bytes("norm").size(), 12u);
  for (const Tensor& tensor : model.tensors()) {
    for (const float value : floats(model, tensor.name)) {
      EXPECT_EQ(value, static_cast<float>(static_cast<int>(value)));  // drawn from -8 to 7
      EXPECT_LE(value, 7.0f);
      EXPECT_GE(value, -8.0f);
    }
  }
  EXPECT_EQ(model.find("absent"), nullptr);
  EXPECT_TRUE(model.gguf().values().empty());
}

TEST(Weights, AShardOpensByItselfToo) {
  const Weights model = Weights::open(fixtures() / "shards/model-00002-of-00002.safetensors");
  EXPECT_EQ(names_of(model).size(), 2u);
}

TEST(Weights, ReadsGgufWithItsNamesAndMetadata) {
  const Weights model = Weights::open(fixtures() / "types.gguf");
  EXPECT_EQ(model.gguf().text("general.architecture"), "llama");
  EXPECT_EQ(model.at("three_dimensions").shape, (std::vector<std::int64_t>{2, 3, 4}));
  EXPECT_EQ(model.at("Q4_K").elements, 1024u);
  std::vector<float> counting(24);
  std::iota(counting.begin(), counting.end(), 0.0f);
  EXPECT_EQ(floats(model, "three_dimensions"), counting);
}

TEST(Weights, PartsEqualTheWhole) {
  const Weights model = Weights::open(fixtures() / "types.gguf");
  for (const char* name : {"F16", "Q5_1", "Q6_K", "MXFP4"}) {
    const std::vector<float> whole = floats(model, name);
    const std::uint64_t block = block_elements(model.at(name).type);
    for (std::uint64_t first = 0; first < whole.size(); first += block) {
      std::vector<float> part(block);
      model.to_float32(name, first, part);
      EXPECT_TRUE(
          std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(first)))
          << name << " from " << first;
    }
  }
}

TEST(Weights, RefusesPartsThatAreNone) {
  const Weights model = Weights::open(fixtures() / "types.gguf");
  std::vector<float> out(512);
  const auto part = [&](std::uint64_t first, std::size_t size) {
    model.to_float32("Q4_0", first, std::span(out).first(size));  // 480 elements in blocks of 32
  };
  part(448, 32);
  part(480, 0);
  EXPECT_THROW(part(480, 32), BadArgument);
  EXPECT_THROW(part(16, 32), BadArgument);
  EXPECT_THROW(part(0, 16), BadArgument);
  EXPECT_THROW(part(0, 512), BadArgument);
  EXPECT_THROW(part(UINT64_MAX - 31, 64), BadArgument);
  EXPECT_THROW(model.to_float32("Q4_0", std::span(out)), BadArgument);
}

TEST(Weights, MissingTensorsAreNamed) {
  const Weights model = Weights::open(fixtures() / "shards");
  try {
    model.at("layer.2");
    FAIL();
  } catch (const BadFile& error) {
    EXPECT_NE(error.text().expected.find("'layer.2'"), std::string::npos);
    EXPECT_NE(error.text().where.find("shards"), std::string::npos);
  }
  std::vector<float> out;
  EXPECT_THROW(model.bytes("x"), BadFile);
  EXPECT_THROW(model.to_float32("x", out), BadFile);
  EXPECT_THROW(model.release("x"), BadFile);
}

class WeightsFile : public testing::Test {
 protected:
  fs::path at(const char* name) const { return directory_.path() / name; }

  std::string refusal(const fs::path& path) const {
    try {
      Weights::open(path);
      return "accepted";
    } catch (const BadFile& error) {
      return std::string("bad file: ") + error.what();
    } catch (const Unsupported& error) {
      return std::string("unsupported: ") + error.what();
    }
  }

  void expect_pickle(const fs::path& path) const {
    const std::string message = refusal(path);
    EXPECT_TRUE(message.starts_with("unsupported")) << message;
    EXPECT_NE(message.find("save_file("), std::string::npos) << message;
    EXPECT_NE(message.find("weights_only=True"), std::string::npos) << message;
  }

  test::TemporaryDirectory directory_;
};

TEST_F(WeightsFile, PicklesAreRefusedByTheirBytesWhateverTheirName) {
  for (const char* name : {"pytorch_model.bin", "x.pt", "x.safetensors", "x.gguf"}) {
    test::put(at(name), "PK\x03\x04" + std::string(100, '\0'));
    expect_pickle(at(name));
    test::put(at(name), "\x80\x02}q" + std::string(100, 'x'));
    expect_pickle(at(name));
    test::put(at(name), "\x80\x05\x95" + std::string(100, 'x'));
    expect_pickle(at(name));
  }
}

TEST_F(WeightsFile, AFolderOfPicklesSaysHowToConvertThem) {
  test::put(at("pytorch_model.bin"), "PK\x03\x04");
  expect_pickle(directory_.path());
}

TEST_F(WeightsFile, AHeaderThatBeginsLikeAPickleIsNone) {
  // A header of 640 bytes begins with 80 02, as a pickle of protocol 2 does.
  std::string header = R"({"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  header.append(640 - header.size(), ' ');
  test::put(at("x.safetensors"), test::raw<std::uint64_t>(640) + header + "x");
  EXPECT_EQ(Weights::open(at("x.safetensors")).tensors().size(), 1u);
}

TEST_F(WeightsFile, OtherFilesAreRefused) {
  test::put(at("x"), "version https://git-lfs.github.com/spec/v1\n");
  EXPECT_NE(refusal(at("x")).find("git lfs pull"), std::string::npos);
  test::put(at("x"), "");
  EXPECT_NE(refusal(at("x")).find("an empty file"), std::string::npos);
  EXPECT_NE(refusal(at("missing")).find("cannot read a file"), std::string::npos);
  test::put(at("x"), test::read(fixtures() / "types.safetensors").substr(0, 8));
  EXPECT_NE(refusal(at("x")).find("neither"), std::string::npos);
}

TEST_F(WeightsFile, FoldersAreSearchedInTheDocumentedOrder) {
  EXPECT_NE(refusal(directory_.path()).find("none of these"), std::string::npos);
  fs::copy(fixtures() / "types.gguf", at("a.gguf"));
  EXPECT_EQ(Weights::open(directory_.path()).tensors().size(), 25u);
  fs::copy(fixtures() / "metadata.gguf", at("b.gguf"));
  EXPECT_NE(refusal(directory_.path()).find("2 *.gguf"), std::string::npos);
  fs::copy(fixtures() / "shards", directory_.path());
  EXPECT_EQ(Weights::open(directory_.path()).tensors().size(), 4u);
  fs::copy(fixtures() / "types.safetensors", at("model.safetensors"));
  EXPECT_EQ(Weights::open(directory_.path()).tensors().size(), 25u);
}

TEST_F(WeightsFile, APartOfASplitGgufIsRefused) {
  const auto split = [&](std::uint16_t parts) {
    test::put(at("x.gguf"),
              test::gguf_bytes({test::gguf_key("split.count", 2, test::raw(parts))}, {}, ""));
    return refusal(at("x.gguf"));
  };
  EXPECT_EQ(split(1), "accepted");
  EXPECT_NE(split(3).find("one of 3 parts"), std::string::npos);
}

TEST_F(WeightsFile, TypesThatAreNotConvertedCanBeListed) {
  const std::string block(84, '\0');
  test::put(at("x.gguf"), test::gguf_bytes({}, {test::gguf_tensor("t", {256}, 10, 0)}, block));
  const Weights model = Weights::open(at("x.gguf"));
  EXPECT_EQ(type_name(model.at("t").type), "Q2_K");
  EXPECT_EQ(model.bytes("t").size(), 84u);
  std::vector<float> out(256);
  EXPECT_THROW(model.to_float32("t", out), Unsupported);
}

TEST_F(WeightsFile, ReadsWhatItReadBeforeAfterRelease) {
  const Weights model = Weights::open(fixtures() / "types.gguf");
  for (const Tensor& tensor : model.tensors()) {
    const std::string before(text_of(model.bytes(tensor.name)));
    model.release(tensor.name);
    EXPECT_EQ(text_of(model.bytes(tensor.name)), before);
  }
}

TEST_F(WeightsFile, AFileThatBecameShorterIsAnErrorNotACrash) {
  fs::copy(fixtures() / "types.gguf", at("x.gguf"));
  const Weights model = Weights::open(at("x.gguf"));
  std::vector<float> out(480);
  model.to_float32("F32", out);
  fs::resize_file(at("x.gguf"), 64);
  EXPECT_THROW(model.to_float32("F32", out), BadFile);
  EXPECT_THROW(model.bytes("F32"), BadFile);
}

TEST_F(WeightsFile, AFileThatWasReplacedIsStillTheOldOne) {
  fs::copy(fixtures() / "types.gguf", at("x.gguf"));
  const Weights model = Weights::open(at("x.gguf"));
  const std::vector<float> before = floats(model, "F32");
  test::put(at("y"), "short");
  fs::rename(at("y"), at("x.gguf"));
  EXPECT_EQ(floats(model, "F32"), before);
}

// Bytes of this process that are in memory and belong to files.
std::size_t mapped_bytes() {
  std::ifstream status("/proc/self/status");
  std::size_t kilobytes = 0;
  for (std::string line; std::getline(status, line);) {
    for (const char* name : {"RssFile:", "RssShmem:"}) {
      if (line.starts_with(name)) kilobytes += std::stoul(line.substr(std::string(name).size()));
    }
  }
  return kilobytes * 1024;
}

TEST_F(WeightsFile, StreamingTakesTheMemoryOfOneTensor) {
  constexpr std::size_t kTensor = std::size_t{4} << 20, kCount = 8;
  const std::string data(kTensor, 'x');
  std::vector<TensorView> tensors;
  for (std::size_t i = 0; i < kCount; ++i) {
    tensors.push_back({std::to_string(i), Dtype::U8, {kTensor}, bytes_of(data)});
  }
  write_safetensors(at("x.safetensors"), tensors);
  const Weights model = Weights::open(at("x.safetensors"));
  std::vector<float> out(kTensor);
  const std::size_t before = mapped_bytes();
  model.to_float32("0", out);
  if (mapped_bytes() < before + kTensor / 2) GTEST_SKIP() << "this system does not count mappings";
  std::size_t most = 0;
  for (const Tensor& tensor : model.tensors()) {
    model.to_float32(tensor.name, out);
    most = std::max(most, mapped_bytes());
    model.release(tensor.name);
  }
  EXPECT_LT(most, before + 2 * kTensor);  // reading ahead may bring in a little of the next
}

}  // namespace
}  // namespace sinkwise::weights
