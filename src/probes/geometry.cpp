#include "sinkwise/probes/geometry.h"

#include <torch/torch.h>

#include "vectors.h"

namespace sinkwise::probes {
namespace {

at::Tensor unit_length(const at::Tensor& x) { return x / x.norm(2, -1, true).clamp_min(1e-30); }

// [K]: exp of the entropy of the singular values behind a Gram matrix [K, D, D].
at::Tensor effective_rank(const at::Tensor& gram) {
  const at::Tensor singular = at::linalg_eigvalsh(gram).clamp_min(0).sqrt();  // [K, D]
  const at::Tensor share = singular / singular.sum(-1, true).clamp_min(1e-300);
  return at::special_entr(share).sum(-1).exp();
}

}  // namespace

void GeometryProbe::add(const nn::AttentionRecord& record) {
  torch::NoGradGuard no_grad;
  const auto B = record.query.size(0), T = record.query.size(2);
  groups_ = record.query.size(1) / record.key.size(1);
  const at::Tensor key = record.key.to(at::kFloat);
  const at::Tensor of_query = key.repeat_interleave(groups_, 1);  // [B, H, T, D]
  // Cosines are dot products of unit vectors, and a mean of dot products is that of the means.
  const at::Tensor query =
      unit_length(record.query.to(at::kFloat)).narrow(2, 1, T - 1).mean(2);  // [B, H, D]
  const at::Tensor unit_key = unit_length(of_query), norm = of_query.norm(2, -1);
  add_to(cosine_first_, (query * unit_key.select(2, 0)).sum(-1).sum(0).to(at::kDouble));
  add_to(cosine_others_,
         (query * unit_key.narrow(2, 1, T - 1).mean(2)).sum(-1).sum(0).to(at::kDouble));
  const at::Tensor first_norm = norm.select(2, 0), other_norm = norm.narrow(2, 1, T - 1).mean(2);
  const at::Tensor query_norm =
      record.query.to(at::kFloat).norm(2, -1).narrow(2, 1, T - 1).mean(2);  // [B, H]
  add_to(first_norm_, first_norm.sum(0).to(at::kDouble));
  add_to(other_norm_, other_norm.sum(0).to(at::kDouble));
  add_to(norms_first_, (query_norm * first_norm).sum(0).to(at::kDouble));
  add_to(norms_others_, (query_norm * other_norm).sum(0).to(at::kDouble));
  const at::Tensor by_head = key.to(at::kDouble).transpose(0, 1).flatten(1, 2);  // [K, B T, D]
  add_to(gram_, at::matmul(by_head.transpose(1, 2), by_head));
  windows_ += B;
}

GeometryHeads GeometryProbe::result() const {
  if (windows_ == 0) return {};
  const double n = static_cast<double>(windows_);
  return {to_vector(cosine_first_ / n),
          to_vector(cosine_others_ / n),
          to_vector(norms_first_ / n),
          to_vector(norms_others_ / n),
          to_vector(first_norm_ / other_norm_),
          to_vector(effective_rank(gram_).repeat_interleave(groups_))};
}

}  // namespace sinkwise::probes
