#pragma once

#include <memory>
#include <vector>

#include <torch/torch.h>

#include "sinkwise/models/decoder/config.h"
#include "sinkwise/nn/attention.h"
#include "sinkwise/nn/norm.h"

namespace sinkwise::models {

struct DecoderInput {
  at::Tensor tokens;          // [B, T] int64, or
  at::Tensor features;        // [B, T, F] float32
  at::Tensor document_start;  // [B, T] int64, or undefined when every row is one document
};

struct ForwardOptions {
  nn::Observe observe;
  at::Tensor head_scale;  // [L, H] factor on each head's output (intervention), or undefined
  ops::PathSet paths;
  at::ScalarType compute_type = at::kFloat;  // dtype of activations; parameters stay as they are
};

struct DecoderOutput {
  at::Tensor logits;                         // [B, T, V] or [B, T, F], of the compute dtype
  std::vector<nn::AttentionRecord> records;  // one a layer
};

// One block: x + attention(norm(x)), then + mlp(norm(.)).
class DecoderBlock : public torch::nn::Module {
 public:
  DecoderBlock(const DecoderConfig& config, std::int64_t layer);
  at::Tensor forward(const at::Tensor& x, nn::AttentionInput input,
                     nn::AttentionRecord& record) const;

  std::shared_ptr<nn::Attention> attention;

 private:
  std::shared_ptr<nn::Norm> attention_norm_, mlp_norm_;
  std::shared_ptr<nn::Mlp> mlp_;
};

// Parameters carry the names of Llama checkpoints (model.layers.0.self_attn.q_proj.weight, ...)
// plus self_attn.sinks and self_attn.gate_proj.weight where the mechanism has them.
class Decoder : public torch::nn::Module {
 public:
  explicit Decoder(const DecoderConfig& config);
  DecoderOutput forward(const DecoderInput& input, const ForwardOptions& options = {}) const;

  const DecoderConfig& config() const { return config_; }
  const std::vector<std::shared_ptr<DecoderBlock>>& blocks() const { return blocks_; }

 private:
  class Trunk;

  at::Tensor embed(const DecoderInput& input, at::ScalarType type) const;
  at::Tensor predict(const at::Tensor& hidden) const;

  DecoderConfig config_;
  std::shared_ptr<Trunk> trunk_;
  std::vector<std::shared_ptr<DecoderBlock>> blocks_;
  std::shared_ptr<nn::Linear> head_;  // none with a tied embedding
  nn::RotaryTable rotary_;            // a constant of the configuration, not a parameter
};

// Fills every parameter as InitConfig says; norms and sinks keep their constructed values.
void initialise(Decoder& model, const InitConfig& init, std::uint64_t seed);

}  // namespace sinkwise::models
