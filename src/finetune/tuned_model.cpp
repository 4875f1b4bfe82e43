#include "sinkwise/finetune/tuned_model.h"

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/nn/linear_cross_entropy.h"

namespace sinkwise::finetune {

TunedModel::TunedModel(std::shared_ptr<pretrained::LoadedModel> loaded, bool recompute)
    : loaded_(std::move(loaded)), recompute_(recompute) {
  register_module("model", loaded_);
  const auto& layers = loaded_->model().config().layers;
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    const nn::AttentionConfig* attention = layers[layer].attention();
    if (attention == nullptr) continue;
    with_heads_.push_back(static_cast<std::int64_t>(layer));
    if (heads_ == 0) heads_ = attention->heads;
    if (attention->heads == heads_) continue;
    throw BadArgument({"the layers of a model differ in their number of heads",
                       concat("layer ", layer), concat(heads_), concat(attention->heads), ""});
  }
}

models::DecoderOutput TunedModel::forward(const models::DecoderInput& input,
                                          const models::ForwardOptions& options) const {
  std::vector<nn::AttentionRecord> records;
  pretrained::HiddenOptions hidden;
  hidden.document_start = input.document_start;
  hidden.head_scale = spread(options.head_scale);
  hidden.observe = options.observe;
  hidden.records = &records;
  hidden.compute_type = options.compute_type;
  hidden.recompute = recompute_;
  const at::Tensor x = loaded_->hidden(input.tokens, hidden);  // [B, T, width]
  models::DecoderOutput output;
  for (const std::int64_t layer : with_heads_) {
    output.records.push_back(std::move(records[static_cast<std::size_t>(layer)]));
  }
  if (!options.targets.defined()) {
    output.logits = loaded_->logits(x);
    return output;
  }
  const at::Tensor normalised = loaded_->normalised(x).flatten(0, 1);
  output.losses = nn::linear_cross_entropy(normalised, loaded_->output(), options.targets.view(-1))
                      .view(options.targets.sizes());
  return output;
}

// [L of those with gates, H] to [all layers, H].
at::Tensor TunedModel::spread(const at::Tensor& head_scale) const {
  if (!head_scale.defined()) return {};
  const auto all = static_cast<std::int64_t>(loaded_->blocks().size());
  at::Tensor result = at::ones({all, heads_}, head_scale.options());
  return result.index_copy(0, at::tensor(with_heads_), head_scale);
}

}  // namespace sinkwise::finetune
