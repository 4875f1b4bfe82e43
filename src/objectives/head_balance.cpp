#include "sinkwise/objectives/head_balance.h"

#include <torch/torch.h>

namespace sinkwise::objectives {
namespace {

// Rows of a record that count, over the whole batch: the mask broadcasts over B when it has one
// row.
at::Tensor informative_count(const nn::AttentionRecord& record) {
  const at::Tensor& mask = record.informative;
  const auto repeats = mask.size(0) == 1 ? record.gate.size(0) : 1;
  return mask.sum() * repeats;
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

}  // namespace

GateSums GateSums::of(const std::vector<nn::AttentionRecord>& records) {
  std::vector<at::Tensor> sums, counts;
  for (const nn::AttentionRecord& record : records) {
    const at::Tensor mask = record.informative.unsqueeze(1).to(record.gate.scalar_type());
    sums.push_back((record.gate * mask).sum(at::IntArrayRef{0, 2}));  // [B, H, T] -> [H]
    counts.push_back(informative_count(record));
  }
  const at::Tensor sum = at::stack(sums);
  return {sum, at::stack(counts).unsqueeze(1).to(sum.scalar_type())};
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

at::Tensor balance_coefficients(const at::Tensor& importance, const at::Tensor& routed,
                                BalanceForm form) {
  if (form == BalanceForm::none || form == BalanceForm::loss_free) {
    return at::zeros_like(importance);
  }
  at::AutoGradMode enable_grad(true);
  const at::Tensor leaf = importance.detach().requires_grad_();
  return torch::autograd::grad({balance_loss(leaf, routed, form)}, {leaf})[0];
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
