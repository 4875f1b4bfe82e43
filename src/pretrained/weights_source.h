#pragma once

#include <string>
#include <vector>

#include "tensor_source.h"

namespace sinkwise::pretrained {

// What the sources behind a weights::Weights share: a format says under which name its file has a
// tensor, and what is to be done to the numbers.
class WeightsSource : public TensorSource {
 public:
  explicit WeightsSource(weights::Weights weights);

  bool has(const std::string& name) const override {
    return weights_.find(spelled(name)) != nullptr;
  }
  std::vector<std::int64_t> shape(const std::string& name) const override { return at(name).shape; }
  at::Tensor read(const std::string& name) const override;
  at::Tensor rows(const std::string& name, std::int64_t first, std::int64_t count) const override;
  std::uint64_t elements() const override { return elements_; }
  std::vector<std::string> names() const override;
  std::optional<Stored> stored(const std::string& name) const override;

 protected:
  virtual std::string spelled(
      const std::string& name) const = 0;  // as the file has or would have it
  virtual void restore(const std::string& /*name*/, const at::Tensor& /*values*/) const {}

  const weights::Weights& weights() const { return weights_; }

 private:
  const weights::Tensor& at(const std::string& name) const { return weights_.at(spelled(name)); }

  weights::Weights weights_;
  std::uint64_t elements_ = 0;
};

// The numbers of a contiguous float32 tensor.
std::span<float> span_of(const at::Tensor& values);

// weights::undo_interleaved_rows on a projection [heads D, columns], or its bias.
void undo_interleaved(const at::Tensor& values, std::int64_t heads);

}  // namespace sinkwise::pretrained
