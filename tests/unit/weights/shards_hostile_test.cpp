// Folders whose index lies, points elsewhere or does not fit its shards.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "sinkwise/checkpoint/safetensors.h"
#include "sinkwise/core/error.h"
#include "unit/core/temporary_directory.h"
#include "unit/weights/fixtures.h"

namespace sinkwise::weights {
namespace {

namespace fs = std::filesystem;
using checkpoint::Dtype;
using checkpoint::TensorView;

constexpr const char* kIndex = "model.safetensors.index.json";

class ShardedFolder : public testing::Test {
 protected:
  ShardedFolder() {
    fs::create_directories(model_);
    write_shard(model_ / "one.safetensors", {"a", "b"});
    write_shard(model_ / "two.safetensors", {"c"});
    index(R"({"a":"one.safetensors","b":"one.safetensors","c":"two.safetensors"})");
  }

  void write_shard(const fs::path& path, const std::vector<std::string>& names) {
    std::vector<TensorView> tensors;
    for (const std::string& name : names) {
      tensors.push_back({name, Dtype::U8, {4}, bytes_of("data")});
    }
    write_safetensors(path, tensors);
  }

  void index(const std::string& weight_map) {
    test::put(model_ / kIndex, R"({"metadata":{"total_size":12},"weight_map":)" + weight_map + "}");
  }

  // The message of the refusal, or "accepted".
  std::string refusal() const {
    try {
      Weights::open(model_);
      return "accepted";
    } catch (const BadFile& error) {
      EXPECT_FALSE(error.text().expected.empty());
      EXPECT_FALSE(error.text().found.empty());
      EXPECT_FALSE(error.text().next.empty());
      return error.what();
    }
  }

  void expect_refusal(const char* complaint) const {
    const std::string message = refusal();
    EXPECT_NE(message.find(complaint), std::string::npos) << message;
  }

  test::TemporaryDirectory directory_;
  fs::path model_ = directory_.path() / "model";
};

TEST_F(ShardedFolder, IsValidAsItStands) { EXPECT_EQ(refusal(), "accepted"); }

TEST_F(ShardedFolder, NamesOfShardsAreNothingButNames) {
  write_shard(directory_.path() / "outside.safetensors", {"a"});
  const std::string outside = (directory_.path() / "outside.safetensors").string();
  for (const std::string& name :
       {std::string("../outside.safetensors"), outside, std::string("./one.safetensors"),
        std::string(".."), std::string("."), std::string(), std::string("sub/one.safetensors"),
        std::string("..\\\\outside.safetensors"), std::string("one.safetensors\\u0000.txt"),
        std::string("/dev/zero")}) {
    index(R"({"a":")" + name + R"("})");
    expect_refusal("plain name");
  }
}

TEST_F(ShardedFolder, LinksLeadNowhereElse) {
  write_shard(directory_.path() / "outside.safetensors", {"c"});
  fs::remove(model_ / "two.safetensors");
  fs::create_symlink("../outside.safetensors", model_ / "two.safetensors");
  expect_refusal("leads out of it");
  fs::remove(model_ / "two.safetensors");
  fs::create_symlink("two.safetensors", model_ / "two.safetensors");  // to itself
  expect_refusal("a link to a file");
  fs::remove(model_ / kIndex);
  fs::create_symlink("/etc/passwd", model_ / kIndex);
  expect_refusal("leads out of it");
}

TEST_F(ShardedFolder, LinksWithinTheFolderAreFollowed) {
  fs::rename(model_ / "two.safetensors", model_ / "blob");
  fs::create_symlink("blob", model_ / "two.safetensors");
  EXPECT_EQ(refusal(), "accepted");
}

TEST_F(ShardedFolder, TheCacheOfTheHubIsFollowedIntoItsBlobsOnly) {
  const fs::path cache = directory_.path() / "models--x";
  fs::create_directories(cache / "snapshots");
  fs::create_directories(cache / "blobs");
  fs::rename(model_, cache / "snapshots/rev");
  model_ = cache / "snapshots/rev";
  for (const char* name : {"one.safetensors", "two.safetensors", kIndex}) {
    fs::rename(model_ / name, cache / "blobs" / name);
    fs::create_symlink(fs::path("../../blobs") / name, model_ / name);
  }
  EXPECT_EQ(refusal(), "accepted");
  fs::rename(cache / "snapshots", cache / "others");
  model_ = cache / "others/rev";
  expect_refusal("leads out of it");
  fs::rename(cache / "others", cache / "snapshots");
  model_ = cache / "snapshots/rev";
  fs::rename(cache / "blobs/two.safetensors", cache / "two.safetensors");
  fs::remove(model_ / "two.safetensors");
  fs::create_symlink("../../two.safetensors", model_ / "two.safetensors");
  expect_refusal("leads out of it");
}

TEST_F(ShardedFolder, MissingShardsAndTensorsAreNamed) {
  index(R"({"a":"one.safetensors","b":"one.safetensors","c":"two.safetensors",)"
        R"("d":"three.safetensors"})");
  expect_refusal("three.safetensors");
  index(R"({"a":"one.safetensors","b":"one.safetensors","c":"two.safetensors",)"
        R"("d":"two.safetensors"})");
  expect_refusal("tensor 'd'");
  fs::remove(model_ / "two.safetensors");
  fs::create_directory(model_ / "two.safetensors");
  expect_refusal("a directory");
}

TEST_F(ShardedFolder, ATensorInTwoShardsOrNotInTheIndexIsRefused) {
  write_shard(model_ / "two.safetensors", {"c", "a"});
  expect_refusal("as well");
  write_shard(model_ / "two.safetensors", {"c", "x"});
  expect_refusal("nowhere");
}

TEST_F(ShardedFolder, ANameTwiceInTheIndexIsRefused) {
  index(R"({"a":"one.safetensors","a":"two.safetensors"})");
  expect_refusal("repeated key 'a'");
}

TEST_F(ShardedFolder, MalformedIndexesAreRefused) {
  const std::vector<std::pair<std::string, const char*>> cases = {
      {"", "JSON"},
      {"[]", "weight_map"},
      {"{}", "weight_map"},
      {R"({"weight_map":[]})", "weight_map"},
      {R"({"weight_map":{"a":1}})", "shard of 'a'"},
      {R"({"weight_map":{"a":["one.safetensors"]}})", "shard of 'a'"},
      {R"({"weight_map":{"a":"one.safetensors"})", "JSON"},
      {R"({"weight_map":)" + std::string(100'000, '['), "nested"}};
  for (const auto& [text, complaint] : cases) {
    test::put(model_ / kIndex, text);
    expect_refusal(complaint);
  }
}

TEST_F(ShardedFolder, EveryTruncationOfTheIndexIsRefused) {
  const std::string text = test::read(model_ / kIndex);
  for (std::size_t size = 0; size < text.size(); ++size) {
    test::put(model_ / kIndex, text.substr(0, size));
    EXPECT_NE(refusal(), "accepted") << size;
  }
}

TEST_F(ShardedFolder, AShardThatIsAPipeIsNotWaitedFor) {
  fs::remove(model_ / "two.safetensors");
  ASSERT_EQ(::mkfifo((model_ / "two.safetensors").c_str(), 0600), 0);
  expect_refusal("a pipe");
}

TEST_F(ShardedFolder, NamesReachTheMessageEscaped) {
  index(R"({"\u001b[31m":"../x"})");
  EXPECT_EQ(refusal().find('\x1b'), std::string::npos);
  expect_refusal("\\x1b");
}

}  // namespace
}  // namespace sinkwise::weights
