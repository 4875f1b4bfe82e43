#include "sinkwise/pretrained/loaded_model.h"

#include <algorithm>
#include <optional>

#include "recomputed.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::pretrained {
namespace {

// A matrix [rows, columns] as a module, so that its parameter has a name of its own.
std::shared_ptr<nn::Linear> matrix(const at::Tensor& values) {
  auto linear = std::make_shared<nn::Linear>(values.size(1), values.size(0));
  linear->weight.set_data(values);
  return linear;
}

}  // namespace

LoadedModel::LoadedModel(const Model& model) : model_(&model) {
  const ModelConfig& config = model.config();
  embedding_ = register_module("embedding", matrix(model.load_embedding()));
  if (config.learned_positions) {
    positions_ = register_module("positions", matrix(model.load_positions()));
  }
  auto layers = register_module("layers", std::make_shared<torch::nn::Module>());
  for (std::size_t layer = 0; layer < config.layers.size(); ++layer) {
    blocks_.push_back(model.load_block(static_cast<std::int64_t>(layer)));
    layers->register_module(std::to_string(layer), blocks_.back());
  }
  norm_ = register_module("norm", model.load_final_norm());
  output_ =
      config.tied_embedding ? embedding_ : register_module("output", matrix(model.load_output()));
  for (at::Tensor& parameter : parameters()) parameter.set_requires_grad(false);
}

// Tables as long as the text needs, doubled as it grows: a file may claim any context.
void LoadedModel::reach(std::int64_t positions) const {
  if (positions <= rotary_length_) return;
  rotary_length_ =
      std::max(positions, std::min(2 * rotary_length_, model_->config().context_length));
  rotary_ = model_->rotary_tables(rotary_length_);
}

// Learned positions count from the first token of the document.
at::Tensor LoadedModel::embed(const at::Tensor& tokens, std::int64_t from,
                              const at::Tensor& document_start) const {
  const ModelConfig& config = model_->config();
  const std::int64_t least = tokens.min().item<std::int64_t>();
  const std::int64_t most = tokens.max().item<std::int64_t>();
  if (least < 0 || most >= config.vocabulary) {
    throw BadArgument({"a token is not in the model's vocabulary", "tokens",
                       concat("0 to ", config.vocabulary - 1), concat(least < 0 ? least : most),
                       "check that the tokenizer belongs to the model"});
  }
  at::Tensor x = at::embedding(embedding_->weight, tokens);
  if (config.embedding_scale != 1.0) x = x * config.embedding_scale;
  if (!positions_) return x;
  at::Tensor position = at::arange(from, from + tokens.size(1), tokens.options()).unsqueeze(0);
  if (document_start.defined()) position = position - document_start;
  return x + at::embedding(positions_->weight, position);
}

at::Tensor LoadedModel::hidden(const at::Tensor& tokens, const HiddenOptions& options) const {
  if (options.caches != nullptr) options.caches->resize(blocks_.size());
  std::int64_t before = 0;
  if (options.caches != nullptr) {
    for (const LayerCache& cache : *options.caches) {
      before = std::max(before, cache.attention.length());
    }
  }
  const std::int64_t context = model_->config().context_length;
  if (before + tokens.size(1) > context) {
    throw BadArgument({"the text is longer than the model's context", "tokens [B, T]",
                       concat("at most ", context, " positions"), concat(before + tokens.size(1)),
                       "use a shorter context"});
  }
  reach(before + tokens.size(1));
  at::Tensor x = embed(tokens, before, options.document_start).to(options.compute_type);
  if (options.records != nullptr) options.records->resize(blocks_.size());
  for (std::size_t layer = 0; layer < blocks_.size(); ++layer) {
    nn::AttentionRecord record;
    x = through_block(layer, x, options, record);
    if (options.records != nullptr) (*options.records)[layer] = std::move(record);
  }
  return x;
}

at::Tensor LoadedModel::through_block(std::size_t layer, const at::Tensor& x,
                                      const HiddenOptions& options,
                                      nn::AttentionRecord& record) const {
  const auto index = static_cast<std::int64_t>(layer);
  BlockInput input;
  input.document_start = options.document_start;
  input.rotary = model_->rotary_of(index, rotary_);
  if (options.head_scale.defined()) input.head_scale = options.head_scale[index];
  input.observe = options.observe;
  if (options.caches != nullptr) input.cache = &(*options.caches)[layer];
  const std::shared_ptr<Block>& block = blocks_[layer];
  if (!options.recompute) return block->forward(x, input, record);
  // The second call must see what the first saw; the record is that of the first.
  auto first = std::make_shared<std::optional<nn::AttentionRecord>>();
  const LayerOutput output = recomputed(
      [block, input, first](const at::Tensor& again) {
        nn::AttentionRecord seen;
        LayerOutput result{block->forward(again, input, seen), {}};
        result.gate = seen.gate;
        if (!*first) *first = std::move(seen);
        return result;
      },
      x);
  record = std::move(**first);
  record.gate = output.gate;
  record.lse = at::Tensor();
  return output.y;
}

at::Tensor LoadedModel::logits(const at::Tensor& hidden) const {
  return output_->forward(norm_->forward(hidden));
}

at::Tensor LoadedModel::forward(const at::Tensor& tokens, const HiddenOptions& options) const {
  return logits(hidden(tokens, options));
}

}  // namespace sinkwise::pretrained
