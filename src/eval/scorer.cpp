#include "sinkwise/eval/scorer.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include <torch/torch.h>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::eval {
namespace {

constexpr std::int64_t kLogitsAtOnce = std::int64_t{1} << 24;  // 64 MiB of float32

// Fewer ids than that are read again rather than in a pass of their own, which takes all weights
// through the processor for them.
constexpr std::int64_t kWorthAPass = 32;

std::int64_t read_ids(const Row& row) { return std::ssize(row.ids) - 1; }

struct PlacedRow {
  const Row* row;
  std::int64_t item;  // whose beginning it goes on after
  RowScore* score;
};

// What the items of a batch begin with, read once for each item.
struct Beginnings {
  std::int64_t length = 0;                     // P; 0: nothing is shared
  at::Tensor hidden;                           // [I, P, width]
  std::vector<pretrained::LayerCache> caches;  // of I sequences
};

Beginnings read_beginnings(const pretrained::LoadedModel& model,
                           std::span<const Item* const> items) {
  Beginnings beginnings;
  std::int64_t length = std::numeric_limits<std::int64_t>::max(), again = 0;
  for (const Item* item : items) {
    length = std::min(length, shared_beginning(item->rows));
    again += std::ssize(item->rows) - 1;
  }
  if (length * again < kWorthAPass) return beginnings;
  at::Tensor tokens = at::empty({std::ssize(items), length}, at::kLong);
  auto* next = tokens.mutable_data_ptr<std::int64_t>();
  for (const Item* item : items) next = std::copy_n(item->rows[0].ids.begin(), length, next);
  beginnings.length = length;
  beginnings.hidden = model.hidden(tokens, {.caches = &beginnings.caches});
  return beginnings;
}

// Rows that go through the model together.
struct Batch {
  at::Tensor tokens;     // [B, T] int64: what is read after the beginning, then zeros
  at::Tensor items;      // [B] int64
  at::Tensor positions;  // [N] into [I * P + B * T]: where something is predicted that is asked for
  at::Tensor targets;    // [N]
};

// `rows`: the longest first. I items have beginnings of P ids.
Batch make_batch(std::span<const PlacedRow> rows, std::int64_t I, std::int64_t P) {
  const std::int64_t B = std::ssize(rows), T = read_ids(*rows.front().row) - P;
  std::vector<std::int64_t> items, positions, targets;
  Batch batch{at::zeros({B, T}, at::kLong), {}, {}, {}};
  auto* tokens = batch.tokens.mutable_data_ptr<std::int64_t>();
  for (std::int64_t b = 0; b < B; ++b) {
    const auto& [row, item, score] = rows[static_cast<std::size_t>(b)];
    const std::int64_t read = read_ids(*row);
    std::copy(row->ids.begin() + P, row->ids.end() - 1, tokens + b * T);
    items.push_back(item);
    for (std::int64_t t = read - row->scored; t < read; ++t) {
      positions.push_back(t < P ? item * P + t : I * P + b * T + t - P);
      targets.push_back(row->ids[static_cast<std::size_t>(t + 1)]);
    }
  }
  batch.items = at::tensor(items, at::kLong);
  batch.positions = at::tensor(positions, at::kLong);
  batch.targets = at::tensor(targets, at::kLong);
  return batch;
}

// The cache of the sequences `rows` [B] int64, each as often as it is named.
pretrained::LayerCache rows_of(const pretrained::LayerCache& cache, const at::Tensor& rows) {
  const auto of = [&](const at::Tensor& all) {
    return all.defined() ? all.index_select(0, rows) : at::Tensor();
  };
  pretrained::LayerCache result;  // without room: what is added gets room of its own
  result.attention.key = of(cache.attention.key);
  result.attention.value = of(cache.attention.value);
  result.delta = {of(cache.delta.tail), of(cache.delta.state)};
  return result;
}

// [N, width]: the hidden states that predict what is asked for.
at::Tensor hidden_states(const pretrained::LoadedModel& model, const Beginnings& beginnings,
                         const Batch& batch) {
  if (beginnings.length == 0) {
    return model.hidden(batch.tokens).flatten(0, 1).index_select(0, batch.positions);
  }
  std::vector<pretrained::LayerCache> caches;
  for (const auto& cache : beginnings.caches) caches.push_back(rows_of(cache, batch.items));
  const at::Tensor after = model.hidden(batch.tokens, {.caches = &caches});  // [B, T, width]
  return at::cat({beginnings.hidden.flatten(0, 1), after.flatten(0, 1)})
      .index_select(0, batch.positions);
}

// [N] float64 log-probabilities of the targets, and [N] bool: the target is the likeliest.
struct Predictions {
  at::Tensor log_probability, greedy;
};

Predictions predict(const pretrained::LoadedModel& model, const at::Tensor& hidden,
                    const at::Tensor& targets_of_all) {
  const std::int64_t tile =
      std::max<std::int64_t>(1, kLogitsAtOnce / model.model().config().vocabulary);
  std::vector<at::Tensor> log_probability, greedy;
  for (std::int64_t n = 0; n < hidden.size(0); n += tile) {
    const std::int64_t count = std::min(tile, hidden.size(0) - n);
    const at::Tensor logits = model.logits(hidden.narrow(0, n, count));  // [count, V]
    const at::Tensor targets = targets_of_all.narrow(0, n, count);
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

// Scores `rows`, the longest first.
void score_together(const pretrained::LoadedModel& model, const Beginnings& beginnings,
                    std::span<const PlacedRow> rows, std::int64_t items) {
  const Batch batch = make_batch(rows, items, beginnings.length);
  const Predictions predictions =
      predict(model, hidden_states(model, beginnings, batch), batch.targets);
  const auto* log_probability = predictions.log_probability.const_data_ptr<double>();
  const auto* greedy = predictions.greedy.const_data_ptr<bool>();
  for (const auto& [row, item, score] : rows) {
    *score = {std::accumulate(log_probability, log_probability + row->scored, 0.0),
              std::all_of(greedy, greedy + row->scored, [](bool yes) { return yes; })};
    check_finite(score->log_likelihood);
    log_probability += row->scored, greedy += row->scored;
  }
}

}  // namespace

std::int64_t shared_beginning(std::span<const Row> rows) {
  if (rows.size() < 2) return 0;
  const auto& first = rows.front().ids;
  std::int64_t shared = read_ids(rows.front()) - 1;
  for (const Row& row : rows.subspan(1)) {
    shared = std::min(shared, read_ids(row) - 1);
    shared =
        std::mismatch(first.begin(), first.begin() + shared, row.ids.begin()).first - first.begin();
  }
  return shared;
}

std::vector<std::vector<RowScore>> score(const pretrained::LoadedModel& model,
                                         std::span<const Item* const> items,
                                         std::int64_t batch_tokens) {
  torch::NoGradGuard no_grad;
  std::vector<std::vector<RowScore>> scores;
  std::vector<PlacedRow> rows;
  for (const Item* item : items) {
    auto& of_item = scores.emplace_back(item->rows.size());
    for (std::size_t r = 0; r < of_item.size(); ++r) {
      rows.push_back({&item->rows[r], std::ssize(scores) - 1, &of_item[r]});
    }
  }
  std::ranges::stable_sort(rows, std::ranges::greater{},
                           [](const PlacedRow& placed) { return read_ids(*placed.row); });
  const Beginnings beginnings = read_beginnings(model, items);
  for (std::size_t begin = 0, count; begin < rows.size(); begin += count) {
    const std::int64_t most = std::max<std::int64_t>(1, batch_tokens / read_ids(*rows[begin].row));
    count = std::min(rows.size() - begin, static_cast<std::size_t>(most));
    score_together(model, beginnings, std::span(rows).subspan(begin, count), std::ssize(items));
  }
  return scores;
}

}  // namespace sinkwise::eval
