#include "sinkwise/probes/columns.h"

#include <algorithm>
#include <limits>

#include <torch/torch.h>

#include "sinkwise/core/head_limits.h"
#include "vectors.h"

namespace sinkwise::probes {
namespace {

constexpr std::int64_t kRowsAtOnce = 128;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Sets the weights [H, rows, keys] of keys that rows begin, begin + 1, ... do not see to 0.
void hide(at::Tensor& weight, std::int64_t begin, std::optional<std::int64_t> window) {
  const auto rows = weight.size(1);
  at::Tensor last = weight.narrow(2, begin, rows);
  last.copy_(last.tril());
  if (!window) return;
  const at::Tensor row = at::arange(begin, begin + rows).unsqueeze(1);
  weight.mul_((at::arange(weight.size(2)) > row - *window).to(weight.scalar_type()));
}

}  // namespace

void ColumnProbe::add(const nn::AttentionRecord& record, const at::Tensor& marked) {
  torch::NoGradGuard no_grad;
  const auto B = record.query.size(0), groups = record.query.size(1) / record.key.size(1);
  for (std::int64_t b = 0; b < B; ++b) {
    add_window(record.query[b], record.key[b].repeat_interleave(groups, 0), record.lse[b],
               marked.defined() ? marked[b] : marked);
  }
}

void ColumnProbe::add_window(const at::Tensor& query, const at::Tensor& key, const at::Tensor& lse,
                             const at::Tensor& marked) {
  const auto H = query.size(0), T = query.size(1);
  at::Tensor columns = at::zeros({H, T}), entropy = at::zeros({H}), later_first = at::zeros({H});
  for (std::int64_t row = 0; row < T; row += kRowsAtOnce) {
    const auto rows = std::min(kRowsAtOnce, T - row), keys = row + rows;
    at::Tensor log_weight = at::matmul(query.narrow(1, row, rows) * scale_,
                                       key.narrow(1, 0, keys).transpose(1, 2));  // [H, rows, keys]
    // A weight is at most 1; keys out of sight may score higher, and are masked below.
    log_weight.sub_(lse.narrow(1, row, rows).unsqueeze(-1)).clamp_max_(0.0);
    at::Tensor weight = log_weight.exp();
    hide(weight, row, window_);
    // Sums as matrix products, which need no second tensor of this size.
    columns.narrow(1, 0, keys).add_(at::matmul(at::ones({1, rows}), weight).squeeze(1));
    // A row at a time: one long sum in float32 would lose digits.
    const at::Tensor by_row =
        at::bmm(weight.view({H * rows, 1, keys}), log_weight.view({H * rows, keys, 1}));
    entropy.sub_(by_row.view({H, rows}).sum(1));
    const at::Tensor first = weight.select(2, 0);  // [H, rows]
    later_first.add_((row == 0 ? first.narrow(1, 1, rows - 1) : first).sum(1));
  }
  // A window hides a column from all but `reach` rows, its own among them.
  const std::int64_t reach = std::min(T, window_.value_or(T));
  const double total = static_cast<double>(T), seen = static_cast<double>(reach);
  const double spread =
      reach > 1 ? total / seen : 1.0;  // a row that sees itself alone says nothing
  const at::Tensor mass = columns.to(at::kDouble) / total;
  const at::Tensor heaviest = std::get<0>(mass.topk(std::min<std::int64_t>(4, T), -1));
  add_to(first_, mass.select(1, 0));
  add_to(largest_, heaviest.select(1, 0));
  add_to(top4_, heaviest.sum(1));
  add_to(elsewhere_, std::get<0>(mass.narrow(1, 1, T - 1).max(1)) * spread);
  add_to(sinks_, (later_first / std::max(seen - 1.0, 1.0) > kSinkWeight).to(at::kDouble));
  add_to(entropy_, entropy.to(at::kDouble) / total);
  add_to(column_sum_, mass.mean(0));
  if (marked.defined()) {
    const at::Tensor rows =  // that may see each column
        at::arange(T, 0, -1, at::kDouble).clamp_max(static_cast<double>(reach));
    add_to(marked_weight_, at::matmul(columns.to(at::kDouble), marked.to(at::kDouble)));
    marked_rows_ += (rows * marked).sum().item<double>();
  }
  ++windows_;
}

ColumnHeads ColumnProbe::result() const {
  if (windows_ == 0) return {};
  auto mean = [&](const at::Tensor& sum) { return to_vector(sum / static_cast<double>(windows_)); };
  return {mean(first_),
          mean(largest_),
          mean(top4_),
          mean(elsewhere_),
          mean(sinks_),
          mean(entropy_),
          mean(column_sum_),
          marked_rows_ > 0.0 ? to_vector(marked_weight_ / marked_rows_)
                             : std::vector<double>(static_cast<std::size_t>(first_.size(0)), kNan)};
}

}  // namespace sinkwise::probes
