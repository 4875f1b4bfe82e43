#include "gguf_names.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/weights/rotary_rows.h"
#include "weights_source.h"

// The tensors of a GGUF file as if it were a Hugging Face folder: their names, and what llama.cpp's
// converter did to them undone.

namespace sinkwise::pretrained {
namespace {

using weights::GgufMetadata;

// Queries, keys and values of one head after the other: [H, 3, D, ...] from [3, H, D, ...].
at::Tensor parts_together(const at::Tensor& values, std::int64_t heads) {
  return values.unflatten(0, {3, heads, -1}).transpose(0, 1).flatten(0, 2);
}

// Gate and up in turn along dimension 1, and then turned where they are matrices.
at::Tensor woven(const at::Tensor& gate, const at::Tensor& up) {
  const at::Tensor both = at::stack({gate, up}, 2).flatten(1, 2);
  return both.dim() == 3 ? both.transpose(1, 2) : both;
}

class GgufSource : public WeightsSource {
 public:
  explicit GgufSource(weights::Weights given) : WeightsSource(std::move(given)) {
    const GgufMetadata& metadata = weights().gguf();
    const std::string name(metadata.text("general.architecture"));
    architecture_ = &gguf_architecture(name, "a GGUF file");
    interleaved_ = weights::rotary_rows(name) == weights::RotaryRows::interleaved;
    heads_ = static_cast<std::int64_t>(metadata.integer(name + ".attention.head_count"));
    const std::string key_heads = name + ".attention.head_count_kv";
    key_heads_ = metadata.find(key_heads) == nullptr
                     ? heads_
                     : static_cast<std::int64_t>(metadata.integer(key_heads));
  }

  at::Tensor read(const std::string& name) const override {
    const at::Tensor values = WeightsSource::read(name);
    switch (change(name)) {
      case GgufChange::queries:
        return in_order(name, values, heads_);
      case GgufChange::keys:
        return in_order(name, values, key_heads_);
      case GgufChange::plus_one:
        return values - 1.0;
      case GgufChange::turned:
        return values.transpose(-1, -2);
      case GgufChange::parts_apart:
        return parts_together(values, heads_);
      case GgufChange::gate_and_up:
        return woven(values, WeightsSource::read(up_beside(spelled(name))));
      case GgufChange::none:
        break;
    }
    return values;
  }

  at::Tensor rows(const std::string& name, std::int64_t first, std::int64_t count) const override {
    if (change(name) != GgufChange::none) return read(name).narrow(0, first, count);
    return WeightsSource::rows(name, first, count);
  }

  // The other changes leave shapes alone.
  std::vector<std::int64_t> shape(const std::string& name) const override {
    std::vector<std::int64_t> shape = WeightsSource::shape(name);
    const GgufChange changed = change(name);
    if (changed == GgufChange::gate_and_up && shape.size() > 1) shape[1] *= 2;
    const bool turned =
        changed == GgufChange::turned || (changed == GgufChange::gate_and_up && shape.size() == 3);
    if (turned && shape.size() > 1) std::swap(shape.back(), shape[shape.size() - 2]);
    return shape;
  }

  std::vector<std::string> names() const override {
    std::vector<std::string> result;
    for (const std::string& own : WeightsSource::names()) {
      if (auto name = by_gguf(*architecture_, own)) result.push_back(std::move(name->hugging_face));
    }
    return result;
  }

  // Mostly quantised, and some rows in another order: read, so that there is one rule.
  std::optional<Stored> stored(const std::string& /*name*/) const override { return std::nullopt; }

 private:
  std::string spelled(const std::string& name) const override {
    const auto found = by_hugging_face(*architecture_, name);
    return found ? found->gguf : name;
  }

  GgufChange change(const std::string& name) const {
    const auto found = by_hugging_face(*architecture_, name);
    return found ? found->change : GgufChange::none;
  }

  at::Tensor in_order(const std::string& name, const at::Tensor& values, std::int64_t heads) const {
    if (!interleaved_) return values;
    if (values.dim() == 0 || heads < 1 || values.size(0) % heads != 0 ||
        values.size(0) / heads % 2 != 0) {
      throw BadFile({"a projection cannot be cut into heads of an even number of rows",
                     printable(name), concat("rows of ", heads, " heads"), concat(values.sizes()),
                     "check that the file is complete, or convert the model again"});
    }
    undo_interleaved(values, heads);
    return values;
  }

  const GgufArchitecture* architecture_;
  bool interleaved_ = false;
  std::int64_t heads_ = 0, key_heads_ = 0;
};

}  // namespace

std::unique_ptr<TensorSource> gguf_source(weights::Weights weights) {
  return std::make_unique<GgufSource>(std::move(weights));
}

}  // namespace sinkwise::pretrained
