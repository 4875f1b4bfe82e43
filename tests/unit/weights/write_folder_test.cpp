#include "sinkwise/weights/write_folder.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include "sinkwise/core/error.h"
#include "unit/core/faulty_file_system.h"
#include "unit/core/temporary_directory.h"
#include "unit/weights/fixtures.h"

namespace sinkwise::weights {
namespace {

namespace fs = std::filesystem;
using checkpoint::Dtype;
using checkpoint::SafetensorsFile;
using checkpoint::TensorView;
using test::FaultyFileSystem;

class WriteFolder : public testing::Test {
 protected:
  TensorView view(std::string name, std::int64_t bytes) const {
    return {std::move(name), Dtype::U8, {bytes}, bytes_of(data_).first(std::size_t(bytes))};
  }

  std::vector<std::string> names(const fs::path& folder) const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder)) {
      found.push_back(entry.path().filename().string());
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  static FolderOptions shards_of(std::uint64_t bytes) {
    FolderOptions options;
    options.max_shard_bytes = bytes;
    return options;
  }

  test::TemporaryDirectory directory_;
  fs::path model_ = directory_.path() / "model";
  std::string data_ = std::string(100, 'x');
};

TEST_F(WriteFolder, WhatFitsIsOneFile) {
  write_folder(model_, std::vector{view("a", 10), view("b", 90)}, shards_of(100));
  EXPECT_EQ(names(model_), std::vector<std::string>{"model.safetensors"});
  const auto file = SafetensorsFile::open(model_ / "model.safetensors");
  EXPECT_EQ(file.metadata(), (checkpoint::Metadata{{"format", "pt"}}));
  EXPECT_EQ(Weights::open(model_).tensors().size(), 2u);
}

TEST_F(WriteFolder, ShardsAreFilledInOrderAndIndexed) {
  const std::vector<TensorView> tensors = {view("a", 60),  view("b", 40), view("c", 1),
                                           view("d", 100), view("e", 0),  view("f", 50)};
  FolderOptions options = shards_of(100);
  options.others = {{"config.json", "{}\n"}};
  write_folder(model_, tensors, options);
  EXPECT_EQ(names(model_),
            (std::vector<std::string>{
                "config.json", "model-00001-of-00004.safetensors",
                "model-00002-of-00004.safetensors", "model-00003-of-00004.safetensors",
                "model-00004-of-00004.safetensors", "model.safetensors.index.json"}));
  const auto index = nlohmann::json::parse(test::read(model_ / "model.safetensors.index.json"));
  EXPECT_EQ(index["metadata"]["total_size"], 251);
  const std::map<std::string, char> shards = {{"a", '1'}, {"b", '1'}, {"c", '2'},
                                              {"d", '3'}, {"e", '3'}, {"f", '4'}};
  for (const auto& [name, number] : shards) {
    const std::string shard = std::string("model-0000") + number + "-of-00004.safetensors";
    EXPECT_EQ(index["weight_map"][name], shard) << name;
  }
  const Weights model = Weights::open(model_);
  for (const TensorView& tensor : tensors) {
    EXPECT_EQ(text_of(model.bytes(tensor.name)), text_of(tensor.data)) << tensor.name;
    EXPECT_EQ(model.at(tensor.name).shape, tensor.shape);
  }
}

TEST_F(WriteFolder, ATensorOverTheLimitStandsAlone) {
  write_folder(model_, std::vector{view("a", 5), view("b", 100), view("c", 5)}, shards_of(10));
  EXPECT_EQ(names(model_).size(), 4u);
  EXPECT_EQ(Weights::open(model_).tensors().size(), 3u);
}

TEST_F(WriteFolder, AnEmptyFolderIsUsedAFullOneIsNot) {
  fs::create_directory(model_);
  write_folder(model_ / "", std::vector{view("a", 5)});
  EXPECT_EQ(names(model_), std::vector<std::string>{"model.safetensors"});
  EXPECT_THROW(write_folder(model_, std::vector{view("b", 5)}), ResourceError);
  EXPECT_NE(Weights::open(model_).find("a"), nullptr);
  EXPECT_EQ(names(directory_.path()), std::vector<std::string>{"model"});
}

TEST_F(WriteFolder, RefusesWhatItCouldNotReadBack) {
  const auto refused = [&](const std::vector<TensorView>& tensors, const FolderOptions& options) {
    EXPECT_THROW(write_folder(model_, tensors, options), BadArgument);
    EXPECT_TRUE(fs::is_empty(directory_.path()));
  };
  const auto with_file = [](const char* name) {
    FolderOptions options;
    options.others = {{name, ""}};
    return options;
  };
  refused({view("a", 5)}, shards_of(0));
  refused({view("a", 60), view("b", 60), view("a", 1)}, shards_of(100));  // in different shards
  refused({view("a", 5), {"b", Dtype::F32, {1}, bytes_of("123")}}, {});
  refused({view("a", 5)}, with_file("../config.json"));
  refused({view("a", 5)}, with_file(""));
  refused({view("a", 5)}, with_file("model.safetensors"));
}

TEST_F(WriteFolder, AFailureAtAnyOperationLeavesNothing) {
  const std::vector<TensorView> tensors = {view("a", 60), view("b", 60)};
  std::int64_t operations = 0;
  {
    FaultyFileSystem disk(FaultyFileSystem::Fault::none, 0);
    write_folder(model_, tensors, shards_of(100));
    operations = disk.operations();
  }
  fs::remove_all(model_);
  for (std::int64_t n = 1; n < operations; ++n) {  // the last one syncs the name of what is there
    FaultyFileSystem disk(FaultyFileSystem::Fault::error_once, n);
    EXPECT_THROW(write_folder(model_, tensors, shards_of(100)), ResourceError) << n;
    EXPECT_TRUE(fs::is_empty(directory_.path())) << n;
  }
}

TEST_F(WriteFolder, AKillAtAnyOperationLeavesAllOrNothingUnderTheName) {
  const std::vector<TensorView> tensors = {view("a", 60), view("b", 60)};
  bool killed = true;
  std::int64_t n = 0, complete = 0;
  while (killed) {
    ++n;
    fs::remove_all(directory_.path());
    fs::create_directory(directory_.path());
    const pid_t child = ::fork();
    if (child == 0) {
      FaultyFileSystem disk(FaultyFileSystem::Fault::kill_midway, n);
      write_folder(model_, tensors, shards_of(100));
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    killed = WIFSIGNALED(status);
    if (!fs::exists(model_)) continue;
    ++complete;
    EXPECT_EQ(Weights::open(model_).tensors().size(), 2u) << n;
  }
  EXPECT_GT(n, 15);        // each of three files is created, written, synced and renamed
  EXPECT_EQ(complete, 2);  // before the last sync, and without a kill
}

}  // namespace
}  // namespace sinkwise::weights
