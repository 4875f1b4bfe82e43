#include "sinkwise/data/token_files.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>

#include "batches.h"
#include "folder.h"

namespace sinkwise::data::test {
namespace {

// Ids first, first + 1, ... so that a window shows where it was taken.
std::string write_run(const Folder& folder, const std::string& name, std::int32_t first,
                      std::size_t count) {
  std::vector<std::int32_t> ids(count);
  std::iota(ids.begin(), ids.end(), first);
  write_token_file(folder.at(name), ids, 4);
  return folder.at(name);
}

TEST(TokenFiles, KeepsTheContractOfATask) {
  const Folder folder;
  const TokenFilesOptions options{
      .files = {write_run(folder, "a", 0, 500), write_run(folder, "b", 500, 300)},
      .validation_files = {write_run(folder, "v", 900, 100)},
      .length = 16,
      .validation_rows = 10};
  TokenFilesOptions other = options;
  other.seed = 1;
  expect_task_contract(TokenFiles(options), TokenFiles(options), TokenFiles(other));
}

TEST(TokenFiles, WindowsStayInsideOneFileAndReachEveryPlace) {
  const Folder folder;
  const TokenFiles task({.files = {write_run(folder, "a", 0, 20), write_run(folder, "b", 100, 12)},
                         .validation_files = {write_run(folder, "v", 200, 9)},
                         .length = 8,
                         .validation_rows = 5});
  EXPECT_EQ(task.vocabulary(), 209);
  std::vector<int> seen(300, 0);
  const Batch batch = task.train_batch(0, 0, 2000);
  for (std::size_t i = 0; i < batch.tokens.size(); ++i) {
    ASSERT_EQ(batch.targets[i], batch.tokens[i] + 1);
    if (i % 8 == 0) ++seen[static_cast<std::size_t>(batch.tokens[i])];
  }
  for (std::size_t id = 0; id < seen.size(); ++id) {
    const bool start = id < 12 || (id >= 100 && id < 104);
    EXPECT_EQ(seen[id] > 60, start) << id << " " << seen[id];  // 125 expected of each of 16 starts
    EXPECT_EQ(seen[id] == 0, !start) << id;
  }
  const Batch held_out = task.validation_batch(0, 5);
  for (std::size_t b = 0; b < 5; ++b) EXPECT_EQ(held_out.tokens[b * 8], 200);
}

TEST(TokenFiles, WithoutValidationFilesTheTailsAreHeldOut) {
  const Folder folder;
  const TokenFiles task({.files = {write_run(folder, "a", 0, 1000)},
                         .validation_fraction = 0.1,
                         .length = 8,
                         .validation_rows = 50});
  const Batch train = task.train_batch(0, 0, 5000);
  const Batch held_out = task.validation_batch(0, 50);
  EXPECT_EQ(*std::max_element(train.targets.begin(), train.targets.end()), 899);
  EXPECT_EQ(*std::min_element(held_out.tokens.begin(), held_out.tokens.end()), 900);
}

TEST(TokenFiles, DocumentTokensMarkWhereDocumentsStart) {
  const Folder folder;
  write_token_file(folder.at("a"), std::vector<std::int32_t>{9, 1, 2, 9, 9, 3, 4, 5}, 2);
  const TokenFiles task({.files = {folder.at("a")},
                         .validation_files = {folder.at("a")},
                         .length = 7,
                         .document_token = 9,
                         .validation_rows = 1});
  const Batch batch = task.validation_batch(0, 1);
  EXPECT_EQ(batch.document_start, (std::vector<std::int32_t>{0, 0, 0, 3, 4, 4, 4}));
  EXPECT_TRUE(
      TokenFiles({.files = {folder.at("a")}, .validation_files = {folder.at("a")}, .length = 7})
          .train_batch(0, 0, 1)
          .document_start.empty());
}

TEST(TokenFiles, FilesThatAreTooShortOrOutsideTheVocabulary) {
  const Folder folder;
  const std::string shorter = write_run(folder, "short", 0, 8);
  const std::string exact = write_run(folder, "exact", 0, 9);
  const auto builds = [&](TokenFilesOptions options) {
    options.length = 8;
    return bad_file_message([&] { TokenFiles{options}; });
  };
  EXPECT_NE(builds({.files = {shorter}, .validation_files = {exact}}), "");
  EXPECT_NE(builds({.files = {exact}, .validation_files = {shorter}}), "");
  EXPECT_NE(builds({.files = {exact}}), "");
  EXPECT_EQ(builds({.files = {exact}, .validation_files = {exact}}), "");
  EXPECT_NE(builds({.files = {exact}, .validation_files = {exact}, .vocabulary = 8}), "");
  EXPECT_EQ(builds({.files = {exact}, .validation_files = {exact}, .vocabulary = 9}), "");
  EXPECT_NE(builds({.files = {folder.at("missing")}}), "");
}

TEST(TokenFiles, RefusesOptionsOutOfRange) {
  const Folder folder;
  const std::string file = write_run(folder, "a", 0, 100);
  for (const TokenFilesOptions& options :
       {TokenFilesOptions{.files = {}}, TokenFilesOptions{.files = {file, ""}, .length = 8},
        TokenFilesOptions{.files = {file}, .length = 0},
        TokenFilesOptions{.files = {file}, .validation_fraction = 0.0, .length = 8},
        TokenFilesOptions{.files = {file}, .length = 8, .vocabulary = -1},
        TokenFilesOptions{.files = {file}, .length = 8, .document_token = 100},
        TokenFilesOptions{.files = {file}, .length = 8, .document_token = -2},
        TokenFilesOptions{.files = {file}, .length = 8, .bytes_per_token = -1},
        TokenFilesOptions{.files = {file}, .length = 8, .validation_rows = 0}}) {
    EXPECT_THROW(TokenFiles{options}, BadConfig);
  }
}

TEST(TokenFiles, FingerprintFollowsTheContent) {
  const Folder folder;
  const TokenFilesOptions options{.files = {write_run(folder, "a", 0, 100)}, .length = 8};
  const auto before = TokenFiles(options).fingerprint();
  write_run(folder, "a", 1, 100);
  EXPECT_NE(TokenFiles(options).fingerprint(), before);
}

}  // namespace
}  // namespace sinkwise::data::test
