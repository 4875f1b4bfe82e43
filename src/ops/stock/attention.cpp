#include "stock/attention.h"

#include <limits>

#include <torch/torch.h>

#include "dtypes.h"
#include "sinkwise/core/text.h"
#include "sinkwise/ops/first_key.h"
#include "stock/backend.h"

// The stock kernels know neither sink nor gate nor a gradient of the log-sum-exp, yet give all of
// them exactly. Forward: a sink only rescales the plain output by sigmoid(L_plain - z). Backward:
// dS_ij = P_ij (dO_i . v_j - delta_i) uses `out` only through rowsum(dO * out), so an `out` whose
// row sums are
//     delta_i = dO_i . out_i - e_i,   e_i = dG_i P_i,g + dL_i
// together with the inclusive L gives the gradients of design's one backward; the vanilla gate adds
// a rank-one term at the first key. Derivation: docs/mathematics.md.

namespace sinkwise::ops::stock {
namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

// Below this the square of a float32 norm loses its digits; masked loss tokens have exactly 0.
constexpr double kSmallestSquare = 1e-24;

Problem problem_of(const Arguments& a) {
  const at::ScalarType type = compute_type(a.query);
  Problem problem{a.query.to(type), a.key.to(type), a.value.to(type), {}, false, a.scale};
  const bool square = a.geometry.queries == a.geometry.keys;
  problem.causal = a.geometry.causal && square;  // halves the work even beside a mask
  if (needs_mask(a.geometry)) {
    const at::Tensor visible = visible_keys(a.geometry, a.query.device());
    problem.mask = at::zeros(visible.sizes(), problem.query.options())
                       .masked_fill_(visible.logical_not(), kMinusInfinity);
  }
  return problem;
}

// Rows at the top that see no key: the CPU kernel reports L = 0 for them, the contract says -inf.
void mark_empty_rows(const Geometry& geometry, at::Tensor& out, at::Tensor& lse) {
  const std::int64_t empty = empty_rows(geometry);
  if (empty == 0) return;
  out.narrow(2, 0, empty).zero_();
  lse.narrow(2, 0, empty).fill_(kMinusInfinity);
}

// [1, H, 1] of the dtype of lse.
at::Tensor sink_column(const at::Tensor& sink, const at::Tensor& lse) {
  return sink.to(lse.scalar_type()).view({1, -1, 1});
}

// P_i,sink = exp(z - L); an empty row gives its whole weight to the sink.
at::Tensor sink_weight(const at::Tensor& sink, const at::Tensor& lse) {
  const at::Tensor column = sink_column(sink, lse);
  const at::Tensor weight = (column - lse).exp();
  return at::where(column == kMinusInfinity, at::zeros({}, lse.options()), weight);
}

// dO with its missing cases filled in: the gate alone may have been used.
at::Tensor output_gradient(const Upstream& upstream, const at::Tensor& out) {
  return upstream.out.defined() ? upstream.out.to(out.scalar_type()) : at::zeros_like(out);
}

// e_i = dG_i P_i,g + dL_i; undefined when neither was used.
at::Tensor extra_row_term(const Upstream& upstream, const at::Tensor& weight) {
  at::Tensor extra;
  if (upstream.gate.defined()) extra = upstream.gate * weight;
  if (upstream.lse.defined()) extra = extra.defined() ? extra + upstream.lse : upstream.lse;
  return extra;
}

// The plain backward with `out` shifted along dO so that its row sums become delta_i. Needs rows
// with
// ||dO|| > 0 wherever e_i != 0.
Gradients backward_by_shift(const Problem& problem, const at::Tensor& grad_out,
                            const at::Tensor& out, const at::Tensor& lse, const at::Tensor& extra,
                            const at::Tensor& square) {
  // Where the divisor is clamped, e_i is 0: the caller has looked.
  const at::Tensor ratio = extra / square.clamp_min(kSmallestSquare);
  const at::Tensor shifted =
      at::addcmul(out, ratio.unsqueeze(-1).to(out.scalar_type()), grad_out, -1);
  return backward(problem, grad_out, shifted, lse);
}

at::Tensor pad_channel(const at::Tensor& tensor, double fill) {
  return at::constant_pad_nd(tensor, {0, 1}, fill);
}

// The same for any dO: one more channel in which value is 0, out is 1 and dO is -e_i. It copies
// every operand, so it serves only the rows that the shift cannot.
Gradients backward_by_channel(const Problem& problem, const at::Tensor& grad_out,
                              const at::Tensor& out, const at::Tensor& lse,
                              const at::Tensor& extra) {
  const auto D = problem.query.size(3);
  Problem wide = problem;
  wide.query = pad_channel(problem.query, 0.0);
  wide.key = pad_channel(problem.key, 0.0);
  wide.value = pad_channel(problem.value, 0.0);
  const at::Tensor wide_grad =
      at::cat({grad_out, extra.neg().unsqueeze(-1).to(out.scalar_type())}, -1);
  const Gradients gradients = backward(wide, wide_grad, pad_channel(out, 1.0), lse);
  return {gradients.query.narrow(-1, 0, D), gradients.key.narrow(-1, 0, D),
          gradients.value.narrow(-1, 0, D)};
}

Gradients backward_with_extra(const Problem& problem, const at::Tensor& grad_out,
                              const at::Tensor& out, const at::Tensor& lse,
                              const at::Tensor& extra) {
  if (!extra.defined()) return backward(problem, grad_out, out, lse);
  const at::Tensor square = at::linalg_vecdot(grad_out, grad_out).to(extra.scalar_type());
  const bool some_small = square.min().item<double>() < kSmallestSquare;
  const bool singular =
      some_small && (square < kSmallestSquare).logical_and(extra != 0).any().item<bool>();
  if (singular) return backward_by_channel(problem, grad_out, out, lse, extra);
  return backward_by_shift(problem, grad_out, out, lse, extra, square);
}

// The first key's own score also receives -dG_i P_i,f: a rank-one addition to dq and dk.
void add_first_key_terms(const Arguments& a, const at::Tensor& weighted, Gradients& gradients) {
  const auto B = a.query.size(0), H = a.query.size(1), T = a.query.size(2), D = a.query.size(3);
  const auto K = a.key.size(1);
  const at::ScalarType type = gradients.query.scalar_type();
  const at::Tensor score_grad = (weighted * -a.scale).to(type).view({B, K, H / K, T, 1});
  const at::Tensor first = gather_first_key(a.key, a.geometry).to(type).unsqueeze(2);
  gradients.query = gradients.query + (score_grad * first).view({B, H, T, D});
  const at::Tensor query = a.query.to(type).reshape({B, K, H / K, T, D});
  const at::Tensor key_terms = (score_grad * query).sum(2);  // [B, K, T, D]
  gradients.key = gradients.key.contiguous();
  if (a.geometry.document_start.defined()) {
    const at::Tensor index = first_key(a.geometry, a.key.device()).unsqueeze(1).unsqueeze(-1);
    gradients.key.scatter_add_(2, index.expand({B, K, T, D}), key_terms);
  } else {
    gradients.key.select(2, 0).add_(key_terms.sum(2));
  }
}

// dz_h = sum_i P_i,sink (-dG_i [gate is the sink] - delta_i)
at::Tensor sink_gradient(const Arguments& a, const Upstream& upstream, const at::Tensor& weight,
                         const at::Tensor& grad_out, const at::Tensor& out,
                         const at::Tensor& extra) {
  at::Tensor row = at::linalg_vecdot(grad_out, out).to(weight.scalar_type());
  if (extra.defined()) row = row - extra;
  if (a.gate == Gate::sink && upstream.gate.defined()) row = row + upstream.gate;
  return (weight * row).sum(at::IntArrayRef{0, 2}).neg().to(a.sink.scalar_type());
}

}  // namespace

std::optional<std::string> decline_reason(const Arguments& a) {
  const at::Tensor& query = a.query;
  if (!query.is_cpu() && !query.is_cuda()) {
    return concat("no stock kernel for device ", query.device());
  }
  const at::ScalarType type = query.scalar_type();
  if (query.is_cuda() && type == at::kDouble) return "the stock CUDA kernels have no float64";
  if (type != at::kFloat && type != at::kDouble && type != at::kBFloat16 && type != at::kHalf) {
    return concat("no stock kernel for dtype ", type);
  }
  if (a.value.size(3) != query.size(3)) {
    return concat("stock kernels need equal head sizes, got ", query.size(3), " and ",
                  a.value.size(3));
  }
  if (query.numel() == 0 || a.key.numel() == 0) {
    return "an empty dimension (stock kernels divide by it)";
  }
  return std::nullopt;
}

AttentionResult attention_forward(const Arguments& a) {
  auto [out, lse] = forward(problem_of(a));
  lse = lse.contiguous();
  mark_empty_rows(a.geometry, out, lse);
  AttentionResult result{{}, lse, {}};
  if (a.sink.defined()) {
    const at::Tensor column = sink_column(a.sink, lse);
    const at::Tensor open = (lse - column).sigmoid();  // 1 - P_i,sink
    out = out * open.unsqueeze(-1).to(out.scalar_type());
    result.lse = at::logaddexp(lse, column);
    if (a.gate == Gate::sink) result.gate = open;
  }
  if (a.gate == Gate::first_key)
    result.gate = 1.0 - first_key_weight(a.query, a.key, result.lse, a.geometry, a.scale);
  // The layout that every path promises; no copy when the query came out of a projection.
  result.out = out.to(a.query.scalar_type()).transpose(1, 2).contiguous().transpose(1, 2);
  return result;
}

AllGradients attention_backward(const Arguments& a, const AttentionResult& saved,
                                const Upstream& upstream) {
  const at::Tensor& lse = saved.lse;
  const Problem problem = problem_of(a);
  const at::Tensor computed = saved.out.to(problem.query.scalar_type());
  const at::Tensor grad_out = output_gradient(upstream, computed);
  at::Tensor weight;  // P_i,g, the weight of the gate's key
  if (upstream.gate.defined()) weight = 1.0 - saved.gate;
  const at::Tensor extra = extra_row_term(upstream, weight);

  // exp(s - L) of an empty row must be 0, not exp(-inf + inf).
  const at::Tensor finite_lse =
      empty_rows(a.geometry) == 0 ? lse : lse.masked_fill(lse == kMinusInfinity, 0.0);
  Gradients gradients = backward_with_extra(problem, grad_out, computed, finite_lse, extra);
  if (a.gate == Gate::first_key && upstream.gate.defined()) {
    add_first_key_terms(a, upstream.gate * weight, gradients);
  }
  AllGradients all{gradients.query.to(a.query.scalar_type()),
                   gradients.key.to(a.key.scalar_type()),
                   gradients.value.to(a.value.scalar_type()),
                   {}};
  if (a.sink.defined()) {
    all.sink = sink_gradient(a, upstream, sink_weight(a.sink, lse), grad_out, computed, extra);
  }
  return all;
}

}  // namespace sinkwise::ops::stock
