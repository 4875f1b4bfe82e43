#include "sinkwise/eval/scorer.h"

#include <gtest/gtest.h>

#include <torch/torch.h>

#include "sinkwise/core/error.h"
#include "unit/eval/sets.h"
#include "unit/pretrained/model_folder.h"

namespace sinkwise::eval {
namespace {

tokenizer::TokenId some_id(std::int64_t seed) {
  return static_cast<tokenizer::TokenId>(3 + (seed * seed + 7 * seed) % 57);
}

// Two to four rows that have `shared` ids in common and go on with 2 to 19 ids of their own. The
// rows are asked for a few ids, one of them for all it can be asked for.
Item some_item(std::int64_t i, std::int64_t shared) {
  Item item;
  for (std::int64_t r = 0; r < 2 + i % 3; ++r) {
    Row row;
    for (std::int64_t t = 0; t < shared; ++t) row.ids.push_back(some_id(t + 5 * i));
    row.ids.push_back(static_cast<tokenizer::TokenId>(3 + r));  // nobody else's
    for (std::int64_t t = 0; t < 1 + (i * 17 + r * 5) % 18; ++t) row.ids.push_back(some_id(t + r));
    const std::int64_t most = std::ssize(row.ids) - 1;
    row.scored = r == 1 ? most : std::min(most, 1 + i);
    item.rows.push_back(row);
  }
  return item;
}

// Rows of 3 to 44 ids, in no order of length.
std::vector<Item> items_that_share(std::vector<std::int64_t> beginnings) {
  std::vector<Item> items;
  for (const std::int64_t shared : beginnings)
    items.push_back(some_item(std::ssize(items), shared));
  return items;
}

std::vector<std::vector<RowScore>> score_all(const pretrained::LoadedModel& model,
                                             const std::vector<Item>& items,
                                             std::int64_t batch_tokens) {
  std::vector<const Item*> pointers;
  for (const Item& item : items) pointers.push_back(&item);
  return score(model, pointers, batch_tokens);
}

// The same one row at a time, without padding, over all logits and in float64.
RowScore plain_score(const pretrained::LoadedModel& model, const Row& row) {
  const torch::NoGradGuard no_grad;
  const at::Tensor ids = at::tensor(std::vector<std::int64_t>(row.ids.begin(), row.ids.end()));
  const std::int64_t read = ids.size(0) - 1;
  const at::Tensor logits = model.forward(ids.narrow(0, 0, read).unsqueeze(0)).select(0, 0);
  const at::Tensor log_p = logits.to(at::kDouble).log_softmax(-1);
  RowScore score{0.0, true};
  for (std::int64_t t = read - row.scored; t < read; ++t) {
    const auto target = ids[t + 1].item<std::int64_t>();
    score.log_likelihood += log_p[t][target].item<double>();
    if (logits[t].argmax().item<std::int64_t>() != target) score.greedy = false;
  }
  return score;
}

class EveryFamily : public testing::TestWithParam<const char*> {};

// Float32 logits of these models are below 8, so a log-probability is off by some units in the last
// place of 8 (1e-6) for the different order of sums in a batch, 40 of them by 4e-5 at the very
// most.
TEST_P(EveryFamily, PaddingBatchesAndSharedBeginningsChangeNothing) {
  const auto model = pretrained::Model::open(test::pretrained_fixtures() / GetParam());
  const pretrained::LoadedModel loaded(model);
  for (const auto& beginnings : {std::vector<std::int64_t>{25, 17, 23, 12, 20}, {1, 9, 0, 24}}) {
    const auto items = items_that_share(beginnings);
    for (const std::int64_t batch_tokens : {1, 100, 10'000}) {
      const auto scores = score_all(loaded, items, batch_tokens);
      ASSERT_EQ(scores.size(), items.size());
      for (std::size_t i = 0; i < items.size(); ++i) {
        for (std::size_t r = 0; r < items[i].rows.size(); ++r) {
          EXPECT_NEAR(scores[i][r].log_likelihood,
                      plain_score(loaded, items[i].rows[r]).log_likelihood, 4e-5)
              << "item " << i << ", row " << r << ", batches of " << batch_tokens;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Scorer, EveryFamily,
                         testing::Values("gemma3", "gpt2", "gpt_neox", "gpt_oss", "granite_swa",
                                         "llama", "mistral", "qwen2", "qwen3", "qwen3_5",
                                         "qwen3_next"));

TEST(Scorer, ABeginningEndsWhereRowsDifferAndBeforeTheLastIdThatIsRead) {
  const auto shared = [](std::vector<std::vector<tokenizer::TokenId>> all) {
    std::vector<Row> rows;
    for (auto& ids : all) rows.push_back({std::move(ids), 1});
    return shared_beginning(rows);
  };
  EXPECT_EQ(shared({{1, 2, 3, 4, 5}, {1, 2, 9, 4, 5}, {1, 2, 3, 4, 6}}), 2);
  EXPECT_EQ(shared({{1, 2, 3, 4, 5}, {1, 2, 3, 4, 6}}), 3);  // 4 is read, 5 and 6 are not
  EXPECT_EQ(shared({{1, 2, 3, 4, 5}, {1, 2, 3}}), 1);
  EXPECT_EQ(shared({{1, 2, 3}, {2, 2, 3}}), 0);
  EXPECT_EQ(shared({{1, 2}, {1, 3}}), 0);
  EXPECT_EQ(shared({{1, 2, 3, 4, 5}}), 0);
}

TEST(Scorer, GreedyMeansEveryScoredIdIsTheLikeliest) {
  const auto model = pretrained::Model::open(test::eval_model());
  const pretrained::LoadedModel loaded(model);
  // What the reference library writes after this prompt, greedily.
  const auto prompt = test::read_json(test::eval_model() / "prompt.json");
  Row row{prompt["ids"].get<std::vector<tokenizer::TokenId>>(), 0};
  for (const auto& id : prompt["greedy_ids"]) row.ids.push_back(id.get<tokenizer::TokenId>());
  row.scored = std::ssize(prompt["greedy_ids"]);
  Row wrong = row;
  wrong.ids.back() = row.ids.back() == 5 ? 6 : 5;
  Row wider = row;
  ++wider.scored;  // the last of the prompt is not what the model would write
  Item item;
  item.rows = {row, wrong, wider};
  const auto scores = score_all(loaded, {item}, 1000)[0];
  EXPECT_TRUE(scores[0].greedy);
  EXPECT_FALSE(scores[1].greedy);
  EXPECT_EQ(scores[2].greedy, plain_score(loaded, wider).greedy);
}

TEST(Scorer, AModelThatGivesNoNumbersIsRefused) {
  auto folder = test::ModelFolder::of_fixture("llama");
  for (auto& [name, tensor] : folder.tensors) {
    if (name == "model.norm.weight") tensor.fill_(3e38f);
  }
  const test::TemporaryDirectory home;
  folder.write(home.path());
  const auto model = pretrained::Model::open(home.path());
  EXPECT_THROW(score_all(pretrained::LoadedModel(model), items_that_share({9, 9}), 1000), BadFile);
}

}  // namespace
}  // namespace sinkwise::eval
