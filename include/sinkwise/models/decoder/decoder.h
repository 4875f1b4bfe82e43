#pragma once

#include <memory>
#include <vector>

#include <torch/torch.h>

#include "sinkwise/models/decoder/config.h"
#include "sinkwise/models/language_model.h"
#include "sinkwise/nn/attention.h"
#include "sinkwise/nn/norm.h"

namespace sinkwise::models {

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
class Decoder : public LanguageModel {
 public:
  explicit Decoder(const DecoderConfig& config);
  DecoderOutput forward(const DecoderInput& input,
                        const ForwardOptions& options = {}) const override;

  std::int64_t layers() const override { return config_.layers; }
  std::int64_t heads() const override { return config_.attention.heads; }
  at::Tensor gate_bias(std::int64_t layer) const override {
    return blocks_[static_cast<std::size_t>(layer)]->attention->gate_bias;
  }

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
