#include "stock/backend.h"

#include <torch/torch.h>

#include "sinkwise/core/text.h"

namespace sinkwise::ops::stock {
namespace {

// The kernels silently misread a last dimension with a stride other than 1.
at::Tensor unit_stride(const at::Tensor& tensor) {
  return tensor.stride(-1) == 1 ? tensor : tensor.contiguous();
}

bool reduced_precision(at::ScalarType type) { return type == at::kBFloat16 || type == at::kHalf; }

// --- CPU: the flash kernel. Groups of query heads share a key head without repeating it. ---

std::optional<at::Tensor> optional_mask(const Problem& problem) {
  if (!problem.mask.defined()) return std::nullopt;
  return problem.mask.to(problem.query.scalar_type());
}

Forward cpu_forward(const Problem& p) {
  auto [out, lse] = at::_scaled_dot_product_flash_attention_for_cpu(
      unit_stride(p.query), unit_stride(p.key), unit_stride(p.value), 0.0, p.causal,
      optional_mask(p), p.scale);
  return {out, lse};
}

Gradients cpu_backward(const Problem& p, const at::Tensor& grad_out, const at::Tensor& out,
                       const at::Tensor& lse) {
  auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
      unit_stride(grad_out), unit_stride(p.query), unit_stride(p.key), unit_stride(p.value),
      unit_stride(out), lse, 0.0, p.causal, optional_mask(p), p.scale);
  return {dq, dk, dv};
}

// --- CUDA: flash without a mask in reduced precision, the memory-efficient kernel otherwise. ---

bool use_cuda_flash(const Problem& p) {
  return !p.mask.defined() && reduced_precision(p.query.scalar_type()) && p.query.size(3) % 8 == 0;
}

// The efficient kernel knows no groups and wants a bias of full size whose rows start at multiples
// of 8.
at::Tensor repeat_groups(const at::Tensor& tensor, std::int64_t heads) {
  return tensor.repeat_interleave(heads / tensor.size(1), 1);
}

at::Tensor sum_groups(const at::Tensor& gradient, std::int64_t key_heads) {
  const auto B = gradient.size(0), H = gradient.size(1);
  return gradient.view({B, key_heads, H / key_heads, gradient.size(2), gradient.size(3)}).sum(2);
}

std::optional<at::Tensor> aligned_bias(const Problem& p) {
  if (!p.mask.defined()) return std::nullopt;
  const auto S = p.key.size(2), padded = (S + 7) / 8 * 8;
  return at::constant_pad_nd(p.mask.to(p.query.scalar_type()), {0, padded - S})
      .narrow(-1, 0, S)
      .expand({p.query.size(0), p.query.size(1), p.query.size(2), S});
}

Forward cuda_forward(const Problem& p) {
  if (use_cuda_flash(p)) {
    auto result = at::_scaled_dot_product_flash_attention(p.query, p.key, p.value, 0.0, p.causal,
                                                          false, p.scale);
    return {std::get<0>(result), std::get<1>(result)};
  }
  const auto H = p.query.size(1);
  auto result = at::_scaled_dot_product_efficient_attention(
      p.query, repeat_groups(p.key, H), repeat_groups(p.value, H), aligned_bias(p), true, 0.0,
      p.causal, p.scale);
  return {std::get<0>(result), std::get<1>(result).narrow(-1, 0, p.query.size(2))};
}

// The efficient kernel reads its log-sum-exp in rows padded to a multiple of 32.
at::Tensor padded_lse(const at::Tensor& lse) {
  const auto T = lse.size(-1), padded = (T + 31) / 32 * 32;
  return at::constant_pad_nd(lse, {0, padded - T}, std::numeric_limits<double>::infinity());
}

Gradients cuda_backward(const Problem& p, const at::Tensor& grad_out, const at::Tensor& out,
                        const at::Tensor& lse) {
  const at::Tensor no_seed = at::zeros({}, p.query.options().dtype(at::kLong));  // dropout is off
  if (use_cuda_flash(p)) {
    auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_backward(
        grad_out, p.query, p.key, p.value, out, lse, {}, {}, p.query.size(2), p.key.size(2), 0.0,
        p.causal, no_seed, no_seed, p.scale);
    return {dq, dk, dv};
  }
  const auto H = p.query.size(1), K = p.key.size(1);
  auto result = at::_scaled_dot_product_efficient_attention_backward(
      grad_out, p.query, repeat_groups(p.key, H), repeat_groups(p.value, H),
      aligned_bias(p).value_or(at::Tensor()), out, padded_lse(lse), no_seed, no_seed, 0.0,
      {true, true, true, false}, p.causal, p.scale);
  return {std::get<0>(result), sum_groups(std::get<1>(result), K),
          sum_groups(std::get<2>(result), K)};
}

}  // namespace

Forward forward(const Problem& problem) {
  return problem.query.is_cuda() ? cuda_forward(problem) : cpu_forward(problem);
}

Gradients backward(const Problem& problem, const at::Tensor& grad_out, const at::Tensor& out,
                   const at::Tensor& lse) {
  return problem.query.is_cuda() ? cuda_backward(problem, grad_out, out, lse)
                                 : cpu_backward(problem, grad_out, out, lse);
}

at::ScalarType compute_type(const at::Tensor& tensor) {
  const bool widen = tensor.is_cpu() && reduced_precision(tensor.scalar_type());
  return widen ? at::kFloat : tensor.scalar_type();
}

}  // namespace sinkwise::ops::stock
