#include "sinkwise/eval/scorer.h"

#include <gtest/gtest.h>

#include <torch/torch.h>

#include "sinkwise/core/error.h"
#include "unit/eval/sets.h"
#include "unit/pretrained/model_folder.h"

namespace sinkwise::eval {
namespace {

// Rows of 3 to 41 ids of the fixtures, in no order of length.
std::vector<Row> some_rows() {
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < 9; ++i) {
    const std::int64_t length = 3 + (i * 17) % 39;
    Row row;
    for (std::int64_t t = 0; t < length; ++t) {
      row.ids.push_back(static_cast<tokenizer::TokenId>(3 + (t * t + 7 * i) % 57));
    }
    row.scored = 1 + i % (length - 1);
    rows.push_back(row);
  }
  return rows;
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
TEST_P(EveryFamily, PaddingAndBatchesChangeNothing) {
  const auto model = pretrained::Model::open(test::pretrained_fixtures() / GetParam());
  const pretrained::LoadedModel loaded(model);
  const auto rows = some_rows();
  for (const std::int64_t batch_tokens : {1, 100, 10'000}) {
    const auto scores = score(loaded, rows, batch_tokens);
    ASSERT_EQ(scores.size(), rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_NEAR(scores[i].log_likelihood, plain_score(loaded, rows[i]).log_likelihood, 4e-5)
          << "row " << i << ", batches of " << batch_tokens;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Scorer, EveryFamily,
                         testing::Values("gemma3", "gpt2", "gpt_neox", "gpt_oss", "llama",
                                         "mistral", "qwen2", "qwen3", "qwen3_5", "qwen3_next"));

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
  const auto scores = score(loaded, std::vector{row, wrong, wider}, 1000);
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
  EXPECT_THROW(score(pretrained::LoadedModel(model), some_rows(), 1000), BadFile);
}

}  // namespace
}  // namespace sinkwise::eval
