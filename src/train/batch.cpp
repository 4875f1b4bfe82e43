#include "sinkwise/train/batch.h"

#include <algorithm>

namespace sinkwise::train {
namespace {

template <typename T>
at::Tensor tensor_of(const std::vector<T>& values, at::IntArrayRef shape, at::ScalarType stored,
                     at::ScalarType wanted, at::Device device) {
  if (values.empty()) return {};
  // from_blob only borrows the vector: the conversion below owns its memory.
  const at::Tensor borrowed =
      at::from_blob(const_cast<T*>(values.data()), shape, at::TensorOptions(stored));
  return borrowed.to(device, wanted, /*non_blocking=*/false, /*copy=*/true);
}

}  // namespace

TensorBatch to_tensors(const data::Batch& batch, std::int64_t F, at::Device device) {
  const std::int64_t B = batch.rows, T = batch.length;
  TensorBatch result;
  result.input.tokens = tensor_of(batch.tokens, {B, T}, at::kInt, at::kLong, device);
  result.input.features = tensor_of(batch.features, {B, T, F}, at::kFloat, at::kFloat, device);
  result.input.document_start =
      tensor_of(batch.document_start, {B, T}, at::kInt, at::kLong, device);
  result.targets = tensor_of(batch.targets, {B, T}, at::kInt, at::kLong, device);
  result.regression = tensor_of(batch.regression, {B, T, F}, at::kFloat, at::kFloat, device);
  result.group = tensor_of(batch.group, {B, T}, at::kByte, at::kByte, device);
  result.oracle = tensor_of(batch.oracle, {B, T}, at::kFloat, at::kFloat, device);
  result.asked = B * T;
  if (!batch.targets.empty()) {
    result.asked -= std::count(batch.targets.begin(), batch.targets.end(), data::Batch::kIgnore);
  }
  return result;
}

at::Tensor position_losses(const models::DecoderOutput& output, const TensorBatch& batch) {
  if (output.losses.defined()) return output.losses;
  const at::Tensor& logits = output.logits;
  if (batch.regression.defined()) {
    return (logits.to(at::kFloat) - batch.regression).square().sum(-1);
  }
  const auto V = logits.size(-1);
  return at::cross_entropy_loss(logits.reshape({-1, V}).to(at::kFloat), batch.targets.view(-1), {},
                                at::Reduction::None, data::Batch::kIgnore)
      .view(batch.targets.sizes());
}

at::Tensor summed_loss(const models::DecoderOutput& output, const TensorBatch& batch) {
  if (output.losses.defined() || batch.regression.defined()) {
    return position_losses(output, batch).sum();
  }
  const at::Tensor& logits = output.logits;
  const auto V = logits.size(-1);
  return at::cross_entropy_loss(logits.reshape({-1, V}).to(at::kFloat), batch.targets.view(-1), {},
                                at::Reduction::Sum, data::Batch::kIgnore);
}

}  // namespace sinkwise::train
