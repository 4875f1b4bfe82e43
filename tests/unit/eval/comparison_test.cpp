#include <gtest/gtest.h>

#include "sinkwise/core/error.h"
#include "unit/eval/sets.h"

namespace sinkwise::eval {
namespace {

using test::Evaluated;
using test::Sets;

constexpr std::int64_t kBatchTokens = 512;

class Against : public testing::Test {
 protected:
  Against() { rows_ = sets_.write("rows.jsonl", test::some_rows()).string(); }

  std::vector<Task> tasks() const { return model_.tasks({{"multiple_choice", rows_}}); }

  // A finished evaluation in "other"; its scores.
  std::vector<std::vector<ItemScore>> evaluate() {
    const auto of = tasks();
    const Settings settings = model_.settings(kBatchTokens);
    ItemLog log(sets_.path() / "other", settings_json(settings, of));
    const auto load = [&] { return std::make_shared<pretrained::LoadedModel>(model_.model); };
    const auto scores =
        score_tasks(of, load, {kBatchTokens, 1}, &log,
                    [](std::int64_t, std::int64_t, const std::string&) { return true; });
    Evaluation evaluation{
        "", settings, model_.model.config(), {summarise(of[0], (*scores)[0])}, {}};
    sets_.write("other/evaluation.json", to_json(evaluation).dump());
    return *scores;
  }

  std::string refusal(const std::vector<Task>& of) {
    try {
      read_other(sets_.path() / "other", of);
    } catch (const Error& error) {
      return error.what();
    }
    ADD_FAILURE() << "accepted";
    return "";
  }

  Sets sets_;
  Evaluated model_;
  std::string rows_;
};

TEST_F(Against, ItselfIsNoDifference) {
  const auto scores = evaluate();
  const Other other = read_other(sets_.path() / "other", tasks());
  EXPECT_EQ(other.model, test::eval_model().string());
  const Comparison comparison = compare(tasks(), scores, other, {200, 0});
  ASSERT_EQ(comparison.tasks.size(), 1u);
  for (const Difference& one : comparison.tasks[0].differences) {
    EXPECT_EQ(one.low, 0.0);
    EXPECT_EQ(one.high, 0.0);
  }
}

TEST_F(Against, ItemsArePairedByTheirPlaceAndNotByTheLog) {
  const auto scores = evaluate();  // the log holds the longest first
  const Other other = read_other(sets_.path() / "other", tasks());
  for (std::size_t i = 0; i < scores[0].size(); ++i) {
    EXPECT_EQ(other.scores[0][i].facts.hash, scores[0][i].facts.hash);
    EXPECT_EQ(other.scores[0][i].rows[0].log_likelihood, scores[0][i].rows[0].log_likelihood);
  }
}

TEST_F(Against, OtherItemsAreRefused) {
  evaluate();
  std::string changed = test::some_rows();
  changed.replace(changed.find("was here"), 3, "saw");
  sets_.write("rows.jsonl", changed);
  EXPECT_NE(refusal(tasks()).find("item 0 with hash"), std::string::npos);
  sets_.write("rows.jsonl", changed.substr(0, changed.find('\n')));
  EXPECT_NE(refusal(tasks()).find("10 items"), std::string::npos);
  const auto text = sets_.write("text.txt", "Once the lion");
  EXPECT_NE(refusal(model_.tasks({{"text", text.string()}})).find("lacks the task text:text.txt"),
            std::string::npos);
}

TEST_F(Against, WhatIsNoFinishedEvaluationIsRefused) {
  EXPECT_NE(refusal(tasks()).find("evaluation.json"), std::string::npos);
  evaluate();
  for (const char* content : {"", "[]", "{}", R"({"schema": "sinkwise.evaluation/1"})",
                              R"({"schema": "sinkwise.evaluation/1", "model": 3})",
                              R"({"schema": "sinkwise.evaluation/9", "model": {"path": "a"}})"}) {
    sets_.write("other/evaluation.json", content);
    EXPECT_NE(refusal(tasks()).find("evaluation.json"), std::string::npos) << content;
  }
}

}  // namespace
}  // namespace sinkwise::eval
