#include "sinkwise/objectives/head_balance.h"

#include <algorithm>

#include <torch/torch.h>

#include "host_gates.h"

namespace sinkwise::objectives {
namespace {

// [H]: sum of G over the rows that `mask` [B or 1, T] bool marks.
at::Tensor sum_of_rows(const at::Tensor& gate, const at::Tensor& mask) {
  const at::Tensor zero = at::zeros({}, gate.options());
  return at::where(mask.unsqueeze(1), gate, zero).sum(at::IntArrayRef{0, 2});
}

// [1]: rows behind such a sum. The mask broadcasts over B when it has one row.
at::Tensor count_of_rows(const at::Tensor& gate, const at::Tensor& mask) {
  const at::Tensor marked = mask.sum().to(gate.scalar_type()).view({1});
  return mask.size(0) == gate.size(0) ? marked : marked * gate.size(0);
}

struct RoutedMoments {
  at::Tensor count, mean, variance;  // [L, 1] each
};

RoutedMoments routed_moments(const at::Tensor& importance, const at::Tensor& routed) {
  const at::Tensor mask = routed.to(importance.scalar_type());
  const at::Tensor count = mask.sum(1, true);
  const at::Tensor safe_count = count.clamp_min(1);
  const at::Tensor mean = (importance * mask).sum(1, true) / safe_count;
  const at::Tensor variance = ((importance - mean).square() * mask).sum(1, true) / safe_count;
  return {count, mean, variance};
}

// variance / mean^2 [L, 1], with value and gradient 0 where there is no spread to speak of.
at::Tensor squared_cv(const RoutedMoments& moments) {
  const at::Tensor defined = (moments.mean > 0).logical_and(moments.count >= 2);
  const at::Tensor safe_mean = at::where(defined, moments.mean, at::ones_like(moments.mean));
  return at::where(defined, moments.variance / safe_mean.square(),
                   at::zeros_like(moments.variance));
}

at::Tensor switch_loss(const at::Tensor& importance, const at::Tensor& routed) {
  const at::Tensor mask = routed.to(importance.scalar_type());
  const at::Tensor masked = importance * mask;
  const at::Tensor total = masked.sum(1, true);
  const at::Tensor share = masked / at::where(total > 0, total, at::ones_like(total));
  return (mask.sum(1) * (share.detach() * share).sum(1)).sum();
}

// One layer of balance_slope: returns its value and writes d value / d Imp_h. With n routed heads
// of mean m and population variance v:
//   cv      n v / m^2           2 (x - m) / m^2 - 2 v / m^3
//   open    n (1 - m)^2         -2 (1 - m)
//   switch  n sum stop(p) p     n (p - sum p^2) / sum x,   p = x / sum x
double add_layer(const double* x, const bool* routed, std::int64_t H, BalanceForm form,
                 double* slope) {
  double n = 0.0, sum = 0.0, deviation = 0.0, squares = 0.0;
  for (std::int64_t h = 0; h < H; ++h) {
    if (!routed[h]) continue;
    n += 1.0;
    sum += x[h];
    squares += x[h] * x[h];
  }
  const double mean = n > 0.0 ? sum / n : 0.0;
  for (std::int64_t h = 0; h < H; ++h) {
    if (routed[h]) deviation += (x[h] - mean) * (x[h] - mean);
  }
  const double variance = n > 0.0 ? deviation / n : 0.0;
  const bool spread = mean > 0.0 && n >= 2.0;
  const double share = sum > 0.0 ? squares / (sum * sum) : 0.0;  // sum of p^2
  for (std::int64_t h = 0; h < H; ++h) {
    if (!routed[h]) continue;
    if (form == BalanceForm::cv && spread) {
      slope[h] = 2.0 * (x[h] - mean) / (mean * mean) - 2.0 * variance / (mean * mean * mean);
    } else if (form == BalanceForm::open) {
      slope[h] = -2.0 * (1.0 - mean);
    } else if (form == BalanceForm::switch_form && sum > 0.0) {
      slope[h] = n * (x[h] / sum - share) / sum;
    }
  }
  if (form == BalanceForm::cv) return spread ? n * variance / (mean * mean) : 0.0;
  if (form == BalanceForm::open) return n * (1.0 - mean) * (1.0 - mean);
  return form == BalanceForm::switch_form ? n * share : 0.0;
}

GateSums host_sums(const std::vector<nn::AttentionRecord>& records) {
  const auto L = static_cast<std::int64_t>(records.size()), H = records.front().gate.size(1);
  const GateSums sums{at::empty({L, H}), at::empty({L, 1})};
  float* sum = sums.sum.mutable_data_ptr<float>();
  float* count = sums.count.mutable_data_ptr<float>();
  for (const nn::AttentionRecord& record : records) {
    *count++ = static_cast<float>(host_gate_sums(record, sum));
    sum += H;
  }
  return sums;
}

}  // namespace

GateSums GateSums::of(const std::vector<nn::AttentionRecord>& records) {
  if (!records.empty() && std::ranges::all_of(records, on_host)) return host_sums(records);
  std::vector<at::Tensor> sums, counts;
  for (const nn::AttentionRecord& record : records) {
    sums.push_back(sum_of_rows(record.gate, record.informative));
    counts.push_back(count_of_rows(record.gate, record.informative));
  }
  return {at::stack(sums), at::stack(counts)};
}

void GateSums::add(const GateSums& other) {
  if (!sum.defined()) {
    *this = other;
    return;
  }
  sum = sum + other.sum;
  count = count + other.count;
}

at::Tensor GateSums::importance() const { return sum / count.clamp_min(1); }

at::Tensor routed_heads(const at::Tensor& importance, std::int64_t shared_heads) {
  at::Tensor routed = at::ones_like(importance, at::kBool);
  if (shared_heads == 0) return routed;
  const at::Tensor order =
      at::argsort(importance.detach(), /*stable=*/true, 1, /*descending=*/true);
  const auto m = std::min(shared_heads, importance.size(1));
  return routed.scatter(1, order.narrow(1, 0, m), false);
}

at::Tensor coefficient_of_variation(const at::Tensor& importance, const at::Tensor& routed) {
  return squared_cv(routed_moments(importance, routed)).sqrt().squeeze(1);
}

at::Tensor balance_loss(const at::Tensor& importance, const at::Tensor& routed, BalanceForm form) {
  switch (form) {
    case BalanceForm::none:
    case BalanceForm::loss_free:
      return at::zeros({}, importance.options());
    case BalanceForm::cv: {
      const RoutedMoments moments = routed_moments(importance, routed);
      return (moments.count * squared_cv(moments)).sum();
    }
    case BalanceForm::switch_form:
      return switch_loss(importance, routed);
    case BalanceForm::open: {
      const RoutedMoments moments = routed_moments(importance, routed);
      return (moments.count * (1.0 - moments.mean).square()).sum();
    }
  }
  return at::zeros({}, importance.options());
}

BalanceSlope balance_slope(const at::Tensor& importance, const at::Tensor& routed,
                           BalanceForm form) {
  const at::Tensor imp = importance.detach().to(at::kCPU, at::kDouble).contiguous();
  const at::Tensor mask = routed.to(at::kCPU, at::kBool).contiguous();
  at::Tensor slope = at::zeros_like(imp);
  const auto L = imp.size(0), H = imp.size(1);
  double value = 0.0;
  for (std::int64_t layer = 0; layer < L; ++layer) {
    value +=
        add_layer(imp.const_data_ptr<double>() + layer * H, mask.const_data_ptr<bool>() + layer * H,
                  H, form, slope.mutable_data_ptr<double>() + layer * H);
  }
  return {value, slope.to(importance.options())};
}

at::Tensor gate_gradient(const nn::AttentionRecord& record, const at::Tensor& slope) {
  torch::NoGradGuard no_grad;  // a gradient is a constant here
  if (on_host(record)) return host_gate_gradient(record, slope);
  const at::Tensor mask = record.informative.unsqueeze(1).to(record.gate.scalar_type());
  const at::Tensor of_head = slope.to(record.gate.scalar_type()).view({1, -1, 1});
  return (of_head * mask).expand_as(record.gate);
}

void loss_free_step(at::Tensor biases, const at::Tensor& importance, double rate) {
  torch::NoGradGuard no_grad;
  biases.add_((importance.mean(1, true) - importance).sign(), rate);
}

BalanceStatistics statistics(const at::Tensor& importance) {
  torch::NoGradGuard no_grad;
  const at::Tensor imp = importance.detach().to(at::kCPU, at::kDouble);
  const at::Tensor cv = coefficient_of_variation(imp, at::ones_like(imp, at::kBool)).contiguous();
  const double heads = static_cast<double>(imp.size(1));
  BalanceStatistics result;
  result.cv.assign(cv.data_ptr<double>(), cv.data_ptr<double>() + cv.numel());
  result.mean_cv = cv.mean().item<double>();
  result.mean_gate = imp.mean().item<double>();
  result.min_gate = imp.min().item<double>();
  result.max_gate = imp.max().item<double>();
  result.effective_heads = (heads / (1.0 + cv.square())).mean().item<double>();
  return result;
}

const std::vector<std::pair<std::string, BalanceForm>>& balance_form_names() {
  static const std::vector<std::pair<std::string, BalanceForm>> names = {
      {"none", BalanceForm::none},          {"cv", BalanceForm::cv},
      {"switch", BalanceForm::switch_form}, {"loss_free", BalanceForm::loss_free},
      {"open", BalanceForm::open},
  };
  return names;
}

std::string name(BalanceForm form) {
  for (const auto& [text, value] : balance_form_names()) {
    if (value == form) return text;
  }
  return "unknown";
}

}  // namespace sinkwise::objectives
