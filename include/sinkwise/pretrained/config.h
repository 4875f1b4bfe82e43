#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sinkwise/nn/attention.h"
#include "sinkwise/nn/experts.h"
#include "sinkwise/nn/gated_delta.h"
#include "sinkwise/nn/mlp.h"
#include "sinkwise/nn/norm.h"

namespace sinkwise::pretrained {

struct MlpConfig {
  nn::MlpKind kind = nn::MlpKind::swiglu;
  std::int64_t hidden = 0;
  bool bias = false;
};

// What mixes positions in one layer, and what follows it.
struct LayerConfig {
  std::variant<nn::AttentionConfig, nn::GatedDeltaConfig> mixer;
  std::variant<MlpConfig, nn::ExpertsConfig> mlp;
  std::optional<std::size_t> rotary;  // index into ModelConfig::rotary; none: no rotation

  // Null for a layer of linear attention.
  const nn::AttentionConfig* attention() const { return std::get_if<nn::AttentionConfig>(&mixer); }
};

struct RotaryConfig {
  at::Tensor frequency;  // [R / 2] float64, radians a position
  double scale = 1.0;    // of cosine and sine (YaRN)
};

// A pretrained decoder, whatever its family.
struct ModelConfig {
  std::string family;      // "llama"
  std::string model_type;  // as its file says, such as "mistral"
  std::int64_t vocabulary = 0, width = 0, context_length = 0;
  nn::NormKind norm = nn::NormKind::rms;
  double norm_epsilon = 1e-6;
  bool post_norms = false;         // a norm after attention and one after the MLP, before adding
  bool parallel_residual = false;  // the MLP reads the input of the block
  bool learned_positions = false;
  bool tied_embedding = false;
  double embedding_scale = 1.0;
  std::vector<RotaryConfig> rotary;
  std::vector<LayerConfig> layers;  // L
};

}  // namespace sinkwise::pretrained
