#include <array>

#include "sinkwise/core/error.h"
#include "tensor_source.h"

namespace sinkwise::pretrained {
namespace {

// Where a file may put the text model: a family asks for "model.layers...", and a file that also
// sees pictures has it under "model.language_model.layers...". The first GPT-2 files have no
// prefix at all.
struct Prefix {
  const char *asked, *found;
};
constexpr std::array kPrefixes = {
    Prefix{"model.", "model.language_model."}, Prefix{"model.", "language_model.model."},
    Prefix{"lm_head.", "language_model.lm_head."}, Prefix{"transformer.", ""}};

class HuggingFaceSource : public TensorSource {
 public:
  explicit HuggingFaceSource(weights::Weights weights) : weights_(std::move(weights)) {
    for (const weights::Tensor& tensor : weights_.tensors()) elements_ += tensor.elements;
  }

  bool has(const std::string& name) const override { return find(name) != nullptr; }

  std::vector<std::int64_t> shape(const std::string& name) const override { return at(name).shape; }

  at::Tensor read(const std::string& name) const override {
    const weights::Tensor& tensor = at(name);
    const at::Tensor values = at::empty(tensor.shape, at::kFloat);
    weights_.to_float32(tensor.name, span_of(values));
    weights_.release(tensor.name);
    return values;
  }

  at::Tensor rows(const std::string& name, std::int64_t first, std::int64_t count) const override {
    const weights::Tensor& tensor = at(name);
    const std::int64_t width = tensor.shape.back();
    const at::Tensor values = at::empty({count, width}, at::kFloat);
    weights_.to_float32(tensor.name, static_cast<std::uint64_t>(first * width), span_of(values));
    return values;
  }

  std::uint64_t elements() const override { return elements_; }

 private:
  static std::span<float> span_of(const at::Tensor& values) {
    return {values.mutable_data_ptr<float>(), static_cast<std::size_t>(values.numel())};
  }

  const weights::Tensor* find(const std::string& name) const {
    if (const auto* tensor = weights_.find(name)) return tensor;
    for (const Prefix& prefix : kPrefixes) {
      if (!name.starts_with(prefix.asked)) continue;
      const std::string rest = name.substr(std::string(prefix.asked).size());
      if (const auto* tensor = weights_.find(prefix.found + rest)) return tensor;
    }
    return nullptr;
  }

  const weights::Tensor& at(const std::string& name) const {
    const weights::Tensor* tensor = find(name);
    return tensor != nullptr ? *tensor : weights_.at(name);  // at() says which file lacks it
  }

  weights::Weights weights_;
  std::uint64_t elements_ = 0;
};

}  // namespace

std::unique_ptr<TensorSource> hugging_face_source(weights::Weights weights) {
  return std::make_unique<HuggingFaceSource>(std::move(weights));
}

}  // namespace sinkwise::pretrained
