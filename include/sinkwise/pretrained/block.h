#pragma once

#include <memory>

#include <torch/torch.h>

#include "sinkwise/pretrained/config.h"

namespace sinkwise::pretrained {

// What the positions that came before leave in one layer; the caller keeps one a layer.
struct LayerCache {
  nn::KeyValueCache attention;
  nn::GatedDeltaCache delta;
};

struct BlockInput {
  at::Tensor document_start;                // [B, T] int64 or undefined
  const nn::RotaryTable* rotary = nullptr;  // of this layer
  at::Tensor head_scale;                    // [H] factor on each head's output, or undefined
  bool drop_first_value = false;            // as nn::AttentionInput
  nn::Observe observe;
  LayerCache* cache = nullptr;  // none: the input is whole
};

// One layer of a decoder: attention (or linear attention) and an MLP (or experts), with norms and
// residuals as ModelConfig says. Parameters: input_norm, attention or linear_attention,
// post_attention_norm, mlp_norm, mlp or experts, post_mlp_norm.
class Block : public torch::nn::Module {
 public:
  Block(const ModelConfig& model, const LayerConfig& layer);

  // x [B, T, width] to the same. `record` stays empty for linear attention.
  at::Tensor forward(const at::Tensor& x, const BlockInput& input,
                     nn::AttentionRecord& record) const;

  bool has_attention() const { return attention_ != nullptr; }

 private:
  at::Tensor mix(const at::Tensor& x, const BlockInput& input, nn::AttentionRecord& record) const;
  at::Tensor transform(const at::Tensor& x) const;

  bool parallel_;
  std::shared_ptr<nn::Norm> input_norm_, post_attention_norm_, mlp_norm_, post_mlp_norm_;
  std::shared_ptr<nn::Attention> attention_;
  std::shared_ptr<nn::GatedDelta> linear_attention_;
  std::shared_ptr<nn::Mlp> mlp_;
  std::shared_ptr<nn::Experts> experts_;
};

}  // namespace sinkwise::pretrained
