#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sinkwise/nn/attention.h"
#include "sinkwise/nn/mlp.h"

namespace sinkwise::models {

enum class Positions {
  rotary,   // RoPE on queries and keys
  learned,  // one vector a position, added to the embedding
  none,
};

// A pre-RMSNorm decoder language model: embedding, L blocks of attention and MLP, norm, output
// matrix.
struct DecoderConfig {
  std::int64_t vocabulary = 257;  // V; 0 for a model that reads and predicts features
  std::int64_t feature_size = 0;  // F of such a model
  std::int64_t context_length = 128;
  std::int64_t layers = 4;  // L
  std::int64_t mlp_hidden = 256;
  nn::MlpKind mlp = nn::MlpKind::swiglu;
  Positions positions = Positions::rotary;
  double rotary_base = 10000.0;
  bool tied_embedding = false;                // output matrix = embedding
  std::vector<std::int64_t> windowed_layers;  // layers that use attention.window; empty: all do
  nn::AttentionConfig attention;              // width, heads and mechanism of every layer
};

// Starting weights. Every parameter draws from its own generator, seeded by (seed, its name), so
// two models that share a name and shape share those weights: arms of one seed start equal.
struct InitConfig {
  double matrix_scale = 0.5;    // standard deviation of matrices is matrix_scale / sqrt(width)
  double embedding_std = 0.02;  // embedding, learned positions and output matrix
};

struct ModelCost {
  std::int64_t parameters = 0;           // trainable numbers, a tied matrix counted once
  double forward_flops_per_token = 0.0;  // multiply-adds count 2; causal attention counts half of T
};

// Throws BadArgument when sizes do not fit together.
void check(const DecoderConfig& config);

ModelCost cost(const DecoderConfig& config);

}  // namespace sinkwise::models
