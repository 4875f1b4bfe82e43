#include "sinkwise/data/packed_documents.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

#include "sinkwise/core/error.h"

namespace sinkwise::data {
namespace {

using Ids = std::vector<std::int32_t>;

constexpr std::int32_t kIgnore = Batch::kIgnore;

Document document(Ids tokens, std::vector<std::uint8_t> asked = {}) {
  Document result{std::move(tokens), std::move(asked), {}};
  result.bytes.assign(result.tokens.size(), 3);
  return result;
}

PackedDocumentsOptions options(std::int64_t length, std::optional<std::int32_t> beginning) {
  PackedDocumentsOptions result;
  result.length = length;
  result.beginning = beginning;
  result.vocabulary = 1000;
  result.batch_rows = 2;
  return result;
}

TEST(PackedDocuments, FillsRowsPieceByPieceEachBehindABeginning) {
  const PackedDocuments task({document({1, 2, 3, 4, 5, 6, 7, 8})},
                             {document({1, 2}), document({3, 4, 5, 6, 7})}, options(6, 99));
  const Batch batch = task.validation_batch(0, 1);
  EXPECT_EQ(batch.tokens, (Ids{99, 1, 2, 99, 3, 4}));
  EXPECT_EQ(batch.targets, (Ids{1, 2, kIgnore, 3, 4, kIgnore}));
  EXPECT_EQ(batch.document_start, (Ids{0, 0, 0, 3, 3, 3}));
  EXPECT_EQ(task.validation_rows(), 1);  // the rest, {99, 5, 6, 7}, does not fill a row
  EXPECT_EQ(task.train_batch(1, 0, 1).tokens, (Ids{99, 1, 2, 3, 4, 5}));
  EXPECT_DOUBLE_EQ(task.bytes_per_token(), 3.0);
}

// Losses are of the rows that are kept, so the bytes a token has are as well.
TEST(PackedDocuments, CountsTheBytesOfTheRowsItKeeps) {
  const Document narrow{{1, 2, 3}, {}, {1, 1, 1}}, wide{{4, 5, 6}, {}, {9, 9, 9}};
  PackedDocumentsOptions one = options(4, 99);
  one.validation_rows = 1;
  const PackedDocuments task({document({1, 2, 3, 4})}, {narrow, wide}, one);
  EXPECT_EQ(task.validation_batch(0, 1).tokens, (Ids{99, 1, 2, 3}));
  EXPECT_DOUBLE_EQ(task.bytes_per_token(), 1.0);
}

TEST(PackedDocuments, WithoutABeginningTheFirstTokenIsNotAskedFor) {
  const PackedDocuments task({document({1, 2, 3, 4})}, {document({5, 6, 7, 8, 9})},
                             options(4, std::nullopt));
  const Batch batch = task.validation_batch(0, 1);
  EXPECT_EQ(batch.tokens, (Ids{5, 6, 7, 8}));
  EXPECT_EQ(batch.targets, (Ids{6, 7, 8, kIgnore}));
}

TEST(PackedDocuments, AsksForWhatIsMarkedOnlyAndLeavesEmptyRowsOut) {
  const std::vector<std::uint8_t> none(5, 0);
  const PackedDocuments task({document({1, 2, 3, 4, 5})},
                             {document({1, 2, 3, 4, 5}, none), document({5, 6, 7}, {0, 1, 0})},
                             options(4, 99));
  ASSERT_EQ(task.validation_rows(), 1);
  const Batch batch = task.validation_batch(0, 1);
  EXPECT_EQ(std::count_if(batch.targets.begin(), batch.targets.end(),
                          [](std::int32_t target) { return target != kIgnore; }),
            1);
  EXPECT_EQ(*std::max_element(batch.targets.begin(), batch.targets.end()), 6);
}

TEST(PackedDocuments, AnEpochSeesEveryRowOnceInAnOrderOfSeedAndEpoch) {
  std::vector<Document> documents;
  for (std::int32_t d = 0; d < 7; ++d) documents.push_back(document({d, d, d, d}));
  auto of = [&](std::int64_t seed) {
    PackedDocumentsOptions o = options(4, std::nullopt);
    o.seed = seed;
    return PackedDocuments(documents, {document({8, 8, 8, 8})}, o);
  };
  auto order = [](const PackedDocuments& task, std::int64_t rows) {
    Ids firsts;
    for (std::int64_t n = 0; n < rows; ++n) {
      firsts.push_back(task.train_batch(1 + n / 2, n % 2, 1).tokens[0]);
    }
    return firsts;
  };
  const PackedDocuments task = of(0);
  const Ids both = order(task, 14);
  for (const auto epoch : {0, 7}) {
    EXPECT_EQ(std::set<std::int32_t>(both.begin() + epoch, both.begin() + epoch + 7).size(), 7u);
  }
  EXPECT_FALSE(std::equal(both.begin(), both.begin() + 7, both.begin() + 7));
  EXPECT_EQ(order(of(0), 14), both);
  EXPECT_NE(order(of(1), 14), both);
  EXPECT_NE(of(1).fingerprint(), task.fingerprint());
}

TEST(PackedDocuments, HoldsOutWholeDocumentsOrTheLastPartOfFew) {
  const PackedDocuments few({document({1, 2, 3, 4, 5, 6, 7, 8})}, {}, [] {
    PackedDocumentsOptions o = options(2, std::nullopt);
    o.validation_fraction = 0.25;
    return o;
  }());
  EXPECT_EQ(few.validation_batch(0, 1).tokens, (Ids{7, 8}));
  std::vector<Document> many;
  for (std::int32_t d = 0; d < 40; ++d) many.push_back(document({d, d}));
  const PackedDocuments task(many, {}, options(2, std::nullopt));
  EXPECT_EQ(task.validation_rows(), 2);
  EXPECT_EQ(task.train_rows(), 38);
  std::set<std::int32_t> train;
  for (std::int64_t n = 0; n < 38; ++n) train.insert(task.train_batch(1, n, 1).tokens[0]);
  EXPECT_FALSE(train.contains(task.validation_batch(0, 1).tokens[0]));
}

TEST(PackedDocuments, EqualDocumentsAreOnOneSide) {
  PackedDocumentsOptions few = options(4, std::nullopt);
  few.validation_fraction = 0.1;
  few.validation_rows = 1000;
  for (std::int32_t kinds = 2; kinds < 9; ++kinds) {
    std::vector<Document> documents;
    for (std::int32_t n = 0; n < 40; ++n) documents.push_back(document(Ids(4, n % kinds)));
    const PackedDocuments task(documents, {}, few);
    std::set<std::int32_t> held;
    for (std::int64_t row = 0; row < task.validation_rows(); ++row) {
      for (const auto token : task.validation_batch(row, 1).tokens) held.insert(token);
    }
    for (std::int64_t step = 1; step <= 40; ++step) {
      for (const auto token : task.train_batch(step, 0, 1).tokens)
        EXPECT_FALSE(held.contains(token));
    }
  }
  EXPECT_THROW(PackedDocuments(std::vector<Document>(25, document({1, 2, 3, 4})), {}, few),
               BadFile);
}

TEST(PackedDocuments, BoundariesAndTargetsAreOfTheFingerprint) {
  const auto print = [](std::vector<Document> documents) {
    return PackedDocuments(std::move(documents), {document({9, 9, 9, 9})}, options(4, std::nullopt))
        .fingerprint();
  };
  const auto apart = print({document({1, 2}), document({3, 4})});
  EXPECT_NE(apart, print({document({1, 2, 3, 4})}));
  EXPECT_NE(apart, print({document({1, 2}, {0, 0}), document({3, 4})}));
}

TEST(PackedDocuments, RefusesWhatCannotFillARow) {
  EXPECT_THROW(PackedDocuments({document({1, 2})}, {document({1, 2, 3, 4})}, options(4, 9)),
               BadFile);
  EXPECT_THROW(PackedDocuments({document({1, 2, 3, 4})}, {document({})}, options(4, 9)), BadFile);
  EXPECT_THROW(PackedDocuments({document({1, 2, 3, 1000})}, {document({1, 2, 3})}, options(4, 9)),
               BadArgument);
}

TEST(Permutation, IsABijection) {
  for (const std::uint64_t count : {1u, 2u, 5u, 64u, 1000u}) {
    std::set<std::uint64_t> seen;
    for (std::uint64_t i = 0; i < count; ++i) seen.insert(permuted(i, count, 42));
    EXPECT_EQ(seen.size(), count);
    EXPECT_LT(*seen.rbegin(), count);
  }
}

}  // namespace
}  // namespace sinkwise::data
