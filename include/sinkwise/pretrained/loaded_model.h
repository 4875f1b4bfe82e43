#pragma once

#include <memory>
#include <vector>

#include "sinkwise/pretrained/model.h"

namespace sinkwise::pretrained {

struct HiddenOptions {
  std::vector<LayerCache>* caches = nullptr;  // one a layer, or empty to begin with: the tokens
                                              // follow those that came before
  at::Tensor document_start;                  // [B, T] int64, or undefined; not with caches
  at::Tensor head_scale;                      // [L, H] factors, or undefined
  nn::Observe observe;
  std::vector<nn::AttentionRecord>* records = nullptr;  // filled for every layer, if given
  at::ScalarType compute_type = at::kFloat;             // dtype of activations
  // Keep the input of each layer alone and go through it again in the backward pass: the memory of
  // one layer instead of all, for about a third more time. Records then hold no lse.
  bool recompute = false;
};

// A model that stays in memory, its parameters float32: embedding.weight, positions.weight,
// layers.N.*, norm.*, and output.weight unless tied. None requires gradients until somebody asks.
// Borrows the model. hidden() is for several threads at once only after reach().
class LoadedModel : public torch::nn::Module {
 public:
  // Errors as Model::load_block().
  explicit LoadedModel(const Model& model);

  // [B, T] int64 to [B, T, width], before the final norm. BadArgument when the text is longer than
  // the context.
  at::Tensor hidden(const at::Tensor& tokens, const HiddenOptions& options = {}) const;

  // What the output matrix multiplies: the final norm of hidden.
  at::Tensor normalised(const at::Tensor& hidden) const { return norm_->forward(hidden); }

  // [..., width] to [..., V].
  at::Tensor logits(const at::Tensor& hidden) const;

  // Both: logits [B, T, V] of every position.
  at::Tensor forward(const at::Tensor& tokens, const HiddenOptions& options = {}) const;

  // Makes the rotary tables, which else grow with the text, for texts of so many positions.
  void reach(std::int64_t positions) const;

  const Model& model() const { return *model_; }
  const std::vector<std::shared_ptr<Block>>& blocks() const { return blocks_; }
  const at::Tensor& output() const { return output_->weight; }  // [V, width]

 private:
  at::Tensor embed(const at::Tensor& tokens, std::int64_t from,
                   const at::Tensor& document_start) const;
  at::Tensor through_block(std::size_t layer, const at::Tensor& x, const HiddenOptions& options,
                           nn::AttentionRecord& record) const;

  const Model* model_;
  std::shared_ptr<nn::Linear> embedding_, positions_, output_;  // rows that are looked up
  std::vector<std::shared_ptr<Block>> blocks_;
  std::shared_ptr<nn::Norm> norm_;
  mutable std::vector<nn::RotaryTable> rotary_;
  mutable std::int64_t rotary_length_ = 0;
};

}  // namespace sinkwise::pretrained
