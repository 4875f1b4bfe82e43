#pragma once

#include <vector>

#include <torch/torch.h>

#include "sinkwise/nn/attention.h"

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
  // [B, T] int64, negative where nothing is asked, or undefined. A model may then give losses
  // instead of logits, so that the logits of a large vocabulary need never be held at once.
  at::Tensor targets;
};

struct DecoderOutput {
  at::Tensor logits;  // [B, T, V] or [B, T, F], of the compute dtype; undefined beside losses
  at::Tensor losses;  // [B, T] float32, -log p of the targets, 0 where nothing is asked
  std::vector<nn::AttentionRecord> records;  // one a layer with gates
};

// What a trainer and the probes need of a decoder, whoever built it.
class LanguageModel : public torch::nn::Module {
 public:
  virtual DecoderOutput forward(const DecoderInput& input,
                                const ForwardOptions& options = {}) const = 0;

  virtual std::int64_t layers() const = 0;  // L, those with gates
  virtual std::int64_t heads() const = 0;   // H

  // [H] buffer of AttentionConfig::gate_bias in one layer; undefined where there is none.
  virtual at::Tensor gate_bias(std::int64_t /*layer*/) const { return {}; }
};

}  // namespace sinkwise::models
