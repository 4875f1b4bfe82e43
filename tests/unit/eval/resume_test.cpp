#include <gtest/gtest.h>

#include "sinkwise/core/error.h"
#include "unit/eval/sets.h"

namespace sinkwise::eval {
namespace {

using test::Evaluated;
using test::read_bytes;
using test::Sets;

constexpr std::int64_t kBatchTokens = 150;  // a few items at once

// Two tasks of one model, into a directory.
class Resume : public testing::Test {
 protected:
  Resume() {
    const auto rows = sets_.write("rows.jsonl", test::some_rows());
    const auto text = sets_.write("text.txt", "Once the lion and the ant sat on a log in the sun.");
    tasks_ = model_.tasks({{"multiple_choice", rows.string()}, {"text", text.string()}});
  }

  ItemLog open(const std::filesystem::path& out) {
    return ItemLog(out, settings_json(model_.settings(kBatchTokens), tasks_));
  }

  // Scores what is missing; `batches` bounds how many before it is told to stop.
  std::optional<TaskScores> go_on(const std::filesystem::path& out, int batches = 1000) {
    ItemLog log = open(out);
    loads_ = 0;
    const auto load = [&] {
      ++loads_;
      return std::make_shared<pretrained::LoadedModel>(model_.model);
    };
    return score_tasks(
        tasks_, load, {kBatchTokens, threads_}, &log,
        [&](std::int64_t, std::int64_t, const std::string&) { return --batches > 0; });
  }

  std::string evaluation(const TaskScores& scores) {
    Evaluation result{"", model_.settings(kBatchTokens), model_.model.config(), {}, {}};
    for (std::size_t t = 0; t < tasks_.size(); ++t) {
      result.tasks.push_back(summarise(tasks_[t], scores[t]));
    }
    return to_json(result).dump();
  }

  Sets sets_;
  Evaluated model_;
  std::vector<Task> tasks_;
  int loads_ = 0;
  std::int64_t threads_ = 1;
};

TEST_F(Resume, AfterEveryLineAndInTheMiddleOfEach) {
  const auto whole = go_on(sets_.path() / "whole");
  ASSERT_TRUE(whole);
  const std::string expected = read_bytes(sets_.path() / "whole" / kItemsFile);
  ASSERT_GT(plan_batches(tasks_[0], kBatchTokens).size(), 2u);
  int cuts = 0;
  for (std::size_t size = 0; size < expected.size(); size += 97, ++cuts) {
    const auto out = sets_.path() / "cut";
    std::filesystem::remove_all(out);
    open(out);  // its settings
    sets_.write("cut/items.jsonl", expected.substr(0, size));
    const auto scores = go_on(out);
    ASSERT_TRUE(scores);
    EXPECT_EQ(read_bytes(out / kItemsFile), expected) << "after " << size << " bytes";
    EXPECT_EQ(evaluation(*scores), evaluation(*whole));
  }
  EXPECT_GT(cuts, 20);
}

TEST_F(Resume, BatchesSideBySideGiveTheSameBytesInTheSameOrder) {
  go_on(sets_.path() / "one");
  threads_ = 3;
  go_on(sets_.path() / "three");
  EXPECT_EQ(read_bytes(sets_.path() / "three" / kItemsFile),
            read_bytes(sets_.path() / "one" / kItemsFile));
  EXPECT_FALSE(go_on(sets_.path() / "stopped", 2));
  threads_ = 2;
  EXPECT_TRUE(go_on(sets_.path() / "stopped"));
  EXPECT_EQ(read_bytes(sets_.path() / "stopped" / kItemsFile),
            read_bytes(sets_.path() / "one" / kItemsFile));
}

TEST_F(Resume, ARequestToStopEndsAfterABatch) {
  EXPECT_FALSE(go_on(sets_.path() / "out", 1));
  const auto first = plan_batches(tasks_[0], kBatchTokens).front().size();
  EXPECT_EQ(read_items(sets_.path() / "out" / kItemsFile).size(), first);
  EXPECT_TRUE(go_on(sets_.path() / "out"));
}

TEST_F(Resume, AFinishedEvaluationLoadsNoModel) {
  const auto first = go_on(sets_.path() / "out");
  EXPECT_EQ(loads_, 1);
  const auto again = go_on(sets_.path() / "out");
  EXPECT_EQ(loads_, 0);
  EXPECT_EQ(evaluation(*first), evaluation(*again));
}

TEST_F(Resume, ForeignItemsAreRefused) {
  go_on(sets_.path() / "out");
  std::string items = read_bytes(sets_.path() / "out" / kItemsFile);
  sets_.write("out/items.jsonl", items + items.substr(0, items.find('\n') + 1));  // one too many
  EXPECT_THROW(go_on(sets_.path() / "out"), BadFile);
  const std::size_t second = items.find('\n') + 1;
  sets_.write("out/items.jsonl", items.substr(second));  // the first is missing
  EXPECT_THROW(go_on(sets_.path() / "out"), BadFile);
}

TEST_F(Resume, ItemsAreInTheOrderOfTheirFile) {
  const auto scores = go_on(sets_.path() / "out");
  for (std::size_t t = 0; t < tasks_.size(); ++t) {
    ASSERT_EQ((*scores)[t].size(), tasks_[t].items.size());
    for (std::size_t i = 0; i < (*scores)[t].size(); ++i) {
      EXPECT_EQ((*scores)[t][i].facts.index, static_cast<std::int64_t>(i));
      EXPECT_EQ((*scores)[t][i].facts.hash, tasks_[t].items[i].facts.hash);
    }
  }
}

TEST_F(Resume, BatchesHoldEveryItemOnceAndKeepTheirBound) {
  for (const std::int64_t bound : {1, 60, 150, 100'000}) {
    std::vector<int> seen(tasks_[0].items.size());
    for (const auto& batch : plan_batches(tasks_[0], bound)) {
      std::size_t rows = 0, width = 0;
      for (const std::size_t i : batch) {
        ++seen[i];
        for (const Row& row : tasks_[0].items[i].rows)
          ++rows, width = std::max(width, row.ids.size() - 1);
      }
      EXPECT_TRUE(batch.size() == 1 || static_cast<std::int64_t>(rows * width) <= bound);
    }
    EXPECT_EQ(seen, std::vector<int>(tasks_[0].items.size(), 1));
  }
}

TEST_F(Resume, TwoTasksOfOneNameAreRefused) {
  const std::string rows = (sets_.path() / "rows.jsonl").string();
  EXPECT_THROW(model_.tasks({{"multiple_choice", rows}, {"multiple_choice", rows}}), BadConfig);
}

TEST_F(Resume, TheModelsHashKnowsItsFiles) {
  const auto copy = sets_.path() / "model";
  std::filesystem::copy(test::eval_model(), copy);
  EXPECT_EQ(hash_model(copy), hash_model(test::eval_model()));
  sets_.write("model/notes.md", "not read by anybody");
  EXPECT_EQ(hash_model(copy), hash_model(test::eval_model()));
  auto weights = read_bytes(copy / "model.safetensors");
  weights.back() ^= 1;
  sets_.write("model/model.safetensors", weights);
  EXPECT_NE(hash_model(copy), hash_model(test::eval_model()));
}

}  // namespace
}  // namespace sinkwise::eval
