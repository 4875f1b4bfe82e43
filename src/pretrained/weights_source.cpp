#include "weights_source.h"

#include "sinkwise/weights/rotary_rows.h"

namespace sinkwise::pretrained {

std::span<float> span_of(const at::Tensor& values) {
  return {values.mutable_data_ptr<float>(), static_cast<std::size_t>(values.numel())};
}

WeightsSource::WeightsSource(weights::Weights weights) : weights_(std::move(weights)) {
  for (const weights::Tensor& tensor : weights_.tensors()) elements_ += tensor.elements;
}

at::Tensor WeightsSource::read(const std::string& name) const {
  const weights::Tensor& tensor = at(name);
  const at::Tensor values = at::empty(tensor.shape, at::kFloat);
  weights_.to_float32(tensor.name, span_of(values));
  weights_.release(tensor.name);
  restore(name, values);
  return values;
}

at::Tensor WeightsSource::rows(const std::string& name, std::int64_t first,
                               std::int64_t count) const {
  const weights::Tensor& tensor = at(name);
  const std::int64_t width = tensor.shape.back();
  const at::Tensor values = at::empty({count, width}, at::kFloat);
  weights_.to_float32(tensor.name, static_cast<std::uint64_t>(first * width), span_of(values));
  return values;
}

std::vector<std::string> WeightsSource::names() const {
  std::vector<std::string> names;
  for (const weights::Tensor& tensor : weights_.tensors()) names.push_back(tensor.name);
  return names;
}

// The number formats of safetensors have the same names in both rooms.
std::optional<Stored> WeightsSource::stored(const std::string& name) const {
  const weights::Tensor& tensor = at(name);
  const auto dtype = checkpoint::dtype_of(weights::type_name(tensor.type));
  if (!dtype) return std::nullopt;
  return Stored{*dtype, weights_.bytes(tensor.name)};
}

void undo_interleaved(const at::Tensor& values, std::int64_t heads) {
  weights::undo_interleaved_rows(span_of(values), heads, values.dim() == 2 ? values.size(1) : 1);
}

}  // namespace sinkwise::pretrained
