#include <algorithm>
#include <array>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "weights_source.h"

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

class HuggingFaceSource : public WeightsSource {
 public:
  HuggingFaceSource(weights::Weights weights, std::optional<BlockScales> blocks)
      : WeightsSource(std::move(weights)), blocks_(blocks) {}

  std::string name_in_folder(const std::string& name) const override { return spelled(name); }

  at::Tensor rows(const std::string& name, std::int64_t first, std::int64_t count) const override {
    if (scale_of(name) == nullptr) return WeightsSource::rows(name, first, count);
    return read(name).narrow(0, first, count);
  }

  std::vector<std::string> names() const override {
    std::vector<std::string> names = WeightsSource::names();
    if (blocks_)
      std::erase_if(names, [](const auto& name) { return name.ends_with(kScaleSuffix); });
    return names;
  }

  std::optional<Stored> stored(const std::string& name) const override {
    return scale_of(name) == nullptr ? WeightsSource::stored(name) : std::nullopt;
  }

 private:
  // The factors of a matrix; null where it has none.
  const weights::Tensor* scale_of(const std::string& name) const {
    constexpr std::string_view kWeight = ".weight";
    std::string scale = spelled(name);
    if (!blocks_ || !scale.ends_with(kWeight)) return nullptr;
    return weights().find(
        scale.replace(scale.size() - kWeight.size(), kWeight.size(), kScaleSuffix));
  }

  void restore(const std::string& name, const at::Tensor& values) const override {
    if (const weights::Tensor* scale = scale_of(name)) scale_blocks(values, *scale);
  }

  // One block of rows at a time: no second tensor of the matrix's size.
  void scale_blocks(const at::Tensor& values, const weights::Tensor& scale) const {
    const auto blocks = [](std::int64_t size, std::int64_t block) {
      return (size + block - 1) / block;
    };
    const bool matrix = values.dim() == 2;
    const std::vector<std::int64_t> shape{matrix ? blocks(values.size(0), blocks_->rows) : 0,
                                          matrix ? blocks(values.size(1), blocks_->columns) : 0};
    if (!matrix || scale.shape != shape) {
      throw BadFile({"factors do not fit the blocks of their matrix", printable(scale.name),
                     concat(at::IntArrayRef(shape)), concat(at::IntArrayRef(scale.shape)),
                     "check that config.json belongs to these weights"});
    }
    const at::Tensor factors = at::empty(scale.shape, at::kFloat);
    weights().to_float32(scale.name, span_of(factors));
    for (std::int64_t block = 0; block < shape[0]; ++block) {
      const std::int64_t first = block * blocks_->rows;
      const at::Tensor by_column = factors[block].repeat_interleave(blocks_->columns);
      values.narrow(0, first, std::min(blocks_->rows, values.size(0) - first))
          .mul_(by_column.narrow(0, 0, values.size(1)));
    }
  }

  // Also for names that the classes of transformers 5 give, where the file is of before.
  std::string spelled(const std::string& asked) const override {
    if (weights().find(asked) != nullptr) return asked;
    constexpr std::string_view kToday = "model.language_model.";
    const std::string name =
        asked.starts_with(kToday) ? "model." + asked.substr(kToday.size()) : asked;
    if (weights().find(name) != nullptr) return name;
    for (const Prefix& prefix : kPrefixes) {
      if (!name.starts_with(prefix.asked)) continue;
      const std::string found = prefix.found + name.substr(std::string(prefix.asked).size());
      if (weights().find(found) != nullptr) return found;
    }
    return asked;
  }

  std::optional<BlockScales> blocks_;
};

}  // namespace

std::unique_ptr<TensorSource> hugging_face_source(weights::Weights weights,
                                                  std::optional<BlockScales> blocks) {
  return std::make_unique<HuggingFaceSource>(std::move(weights), blocks);
}

}  // namespace sinkwise::pretrained
