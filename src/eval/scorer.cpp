#include "sinkwise/eval/scorer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <torch/torch.h>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::eval {
namespace {

constexpr std::int64_t kLogitsAtOnce = std::int64_t{1} << 24;  // 64 MiB of float32

std::int64_t read_ids(const Row& row) { return static_cast<std::int64_t>(row.ids.size()) - 1; }

// Rows that go through the model together.
struct Batch {
  at::Tensor tokens;     // [B, T] int64, zeros after the end of a row
  at::Tensor positions;  // [N] into [B * T]: where something is predicted that is asked for
  at::Tensor targets;    // [N]
};

Batch make_batch(const std::vector<const Row*>& rows) {
  const std::int64_t T = read_ids(*rows.front());
  std::vector<std::int64_t> positions, targets;
  Batch batch{at::zeros({static_cast<std::int64_t>(rows.size()), T}, at::kLong), {}, {}};
  auto* tokens = batch.tokens.mutable_data_ptr<std::int64_t>();
  for (std::size_t b = 0; b < rows.size(); ++b) {
    const Row& row = *rows[b];
    const std::int64_t begin = static_cast<std::int64_t>(b) * T, read = read_ids(row);
    std::copy(row.ids.begin(), row.ids.end() - 1, tokens + begin);
    for (std::int64_t t = read - row.scored; t < read; ++t) {
      positions.push_back(begin + t);
      targets.push_back(row.ids[static_cast<std::size_t>(t + 1)]);
    }
  }
  batch.positions = at::tensor(positions, at::kLong);
  batch.targets = at::tensor(targets, at::kLong);
  return batch;
}

// [N] float64 log-probabilities of the targets, and [N] bool: the target is the likeliest.
struct Predictions {
  at::Tensor log_probability, greedy;
};

Predictions predict(const pretrained::LoadedModel& model, const Batch& batch) {
  const at::Tensor all = model.hidden(batch.tokens);                             // [B, T, width]
  const at::Tensor hidden = all.flatten(0, 1).index_select(0, batch.positions);  // [N, width]
  const std::int64_t tile =
      std::max<std::int64_t>(1, kLogitsAtOnce / model.model().config().vocabulary);
  std::vector<at::Tensor> log_probability, greedy;
  for (std::int64_t n = 0; n < hidden.size(0); n += tile) {
    const std::int64_t count = std::min(tile, hidden.size(0) - n);
    const at::Tensor logits = model.logits(hidden.narrow(0, n, count));  // [count, V]
    const at::Tensor targets = batch.targets.narrow(0, n, count);
    const at::Tensor of_target = logits.gather(-1, targets.unsqueeze(-1)).squeeze(-1);
    log_probability.push_back((of_target - logits.logsumexp(-1)).to(at::kDouble));
    greedy.push_back(logits.argmax(-1) == targets);
  }
  return {at::cat(log_probability), at::cat(greedy)};
}

void check_finite(double log_likelihood) {
  if (std::isfinite(log_likelihood)) return;
  throw BadFile({"the model gives a log-likelihood that is not finite", "the model",
                 "finite numbers", concat(log_likelihood), "its weights may be damaged"});
}

// The scores of `rows`, the longest first.
std::vector<RowScore> score_together(const pretrained::LoadedModel& model,
                                     const std::vector<const Row*>& rows) {
  const Predictions predictions = predict(model, make_batch(rows));
  const auto* log_probability = predictions.log_probability.const_data_ptr<double>();
  const auto* greedy = predictions.greedy.const_data_ptr<bool>();
  std::vector<RowScore> scores;
  for (const Row* row : rows) {
    const RowScore score{std::accumulate(log_probability, log_probability + row->scored, 0.0),
                         std::all_of(greedy, greedy + row->scored, [](bool yes) { return yes; })};
    check_finite(score.log_likelihood);
    scores.push_back(score);
    log_probability += row->scored, greedy += row->scored;
  }
  return scores;
}

}  // namespace

std::vector<RowScore> score(const pretrained::LoadedModel& model, std::span<const Row> rows,
                            std::int64_t batch_tokens) {
  torch::NoGradGuard no_grad;
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return rows[a].ids.size() > rows[b].ids.size();
  });
  std::vector<RowScore> scores(rows.size());
  for (std::size_t begin = 0, end; begin < order.size(); begin = end) {
    std::vector<const Row*> together;
    const std::int64_t width = read_ids(rows[order[begin]]);
    for (end = begin; end < order.size(); ++end) {
      const auto count = static_cast<std::int64_t>(together.size()) + 1;
      if (count > 1 && count * width > batch_tokens) break;
      together.push_back(&rows[order[end]]);
    }
    const auto found = score_together(model, together);
    for (std::size_t i = begin; i < end; ++i) scores[order[i]] = found[i - begin];
  }
  return scores;
}

}  // namespace sinkwise::eval
