#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torch/torch.h>

#include "sinkwise/nn/linear.h"
#include "sinkwise/nn/norm.h"
#include "sinkwise/nn/rotary.h"
#include "sinkwise/ops/attention.h"

namespace sinkwise::nn {

// How one attention layer turns scores into its output (docs/mathematics.md).
enum class Mechanism {
  vanilla,            // softmax; the first token serves as the sink
  sink,               // one learned logit a head joins the softmax without a value (GPT-OSS)
  gated_headwise,     // output times sigmoid(x w_h), one gate a head (Qwen3-Next, arXiv 2505.06708)
  gated_elementwise,  // output times sigmoid(x W_h), one gate a channel
  softmax_plus_one,   // control: a sink whose logit stays 0
  sigmoid,            // control: ops::ScoreFunction::sigmoid
  relu,               // control: ops::ScoreFunction::relu
};

struct AttentionConfig {
  std::int64_t width = 64;     // size of the residual stream
  std::int64_t heads = 8;      // H
  std::int64_t key_heads = 8;  // K, divides H
  std::int64_t head_size = 8;  // D
  Mechanism mechanism = Mechanism::vanilla;
  double sink_init = 0.0;  // starting value of every sink logit, Mechanism::sink only
  std::optional<std::int64_t> window;
  std::optional<double> scale;  // of the scores; none: 1 / sqrt(D)
  bool input_bias = false;      // on the projections to query, key and value
  bool output_bias = false;
  bool qk_norm = false;  // RMSNorm of each query and key head before rotation
  double norm_epsilon = 1e-6;
  bool gate_bias = false;  // a bias on the gate's logit that an objective moves (loss-free form)
  bool gate_projection_bias = false;  // a trained bias of the explicit gate's projection
};

// What a caller wants to see; everything off costs nothing.
struct Observe {
  bool gate = false;  // record.gate
  bool first_key_weight =
      false;                 // record.first_key_weight, also where the gate is another quantity
  bool weights = false;      // record.weights; takes the reference path
  bool value_norm = false;   // record.value_norm
  bool output_norm = false;  // record.output_norm
  bool heads = false;        // record.query, key and value
};

// What one layer did; undefined where not asked for. Fields that an objective uses (gate, lse)
// carry gradients.
struct AttentionRecord {
  at::Tensor gate;         // [B, H, T] in [0, 1]; elementwise gates are averaged over D
  at::Tensor informative;  // [B or 1, T] bool: rows whose gate is not fixed by construction
  at::Tensor lse;          // [B, H, T]
  at::Tensor
      first_key_weight;    // [B, H, T] P_i,f(i); for unnormalised controls a share of the total
  at::Tensor sees_first;   // [B or 1, T] bool: rows but the first token's that see the first key
  at::Tensor weights;      // [B, H, T, T]
  at::Tensor value_norm;   // [B, K, T] ||v_j||
  at::Tensor output_norm;  // [B, H, T] ||o_i|| of the head before the output projection
  at::Tensor query;        // [B, H, T, D] as the scores see it: normalised and rotated
  at::Tensor key, value;   // [B, K, S, D]
};

// Keys and values of the positions that came before, for generating token by token. The caller
// keeps one a layer; forward reads it and adds its own positions. They lie in room that doubles
// when it is full, so that a token costs the writing of its own: copies of a cache share the room,
// of which one may go on, and gradients do not pass.
struct KeyValueCache {
  at::Tensor key, value;            // [B, K, S, D]; undefined: S = 0
  at::Tensor key_room, value_room;  // [B, K, C, D], C at least S: key and value are their beginning
  std::int64_t length() const { return key.defined() ? key.size(2) : 0; }
};

struct AttentionInput {
  at::Tensor x;                         // [B, T, width], normalised by the block
  at::Tensor document_start;            // [B, T] or undefined
  const RotaryTable* rotary = nullptr;  // none: no rotation
  at::Tensor head_scale;  // [H] factor on each head's output (an intervention), or undefined
  bool drop_first_value = false;  // an intervention: the first token's value counts as 0
  Observe observe;
  ops::PathSet paths;
  KeyValueCache* cache = nullptr;  // none: the input is whole. Not together with document_start
};

struct AttentionOutput {
  at::Tensor y;  // [B, T, width]
  AttentionRecord record;
};

// Causal self-attention of one decoder block. Stateless: everything it saw is in what it returns.
class Attention : public torch::nn::Module {
 public:
  // Throws BadArgument when the sizes do not fit together.
  explicit Attention(const AttentionConfig& config);
  AttentionOutput forward(const AttentionInput& input) const;

  const AttentionConfig& config() const { return config_; }

  // [H] buffer that moves the gate's logit without a gradient; undefined unless config.gate_bias.
  at::Tensor gate_bias;

 private:
  struct Heads;  // query, key, value as [B, H, T, D]

  Heads project(const AttentionInput& input) const;
  at::Tensor sink_logits() const;
  at::Tensor attend(const Heads& heads, const AttentionInput& input, AttentionRecord& record) const;
  at::Tensor attend_fused(const Heads& heads, const AttentionInput& input,
                          AttentionRecord& record) const;
  at::Tensor attend_reference(const Heads& heads, const AttentionInput& input,
                              AttentionRecord& record) const;
  at::Tensor apply_explicit_gate(const at::Tensor& out, const AttentionInput& input,
                                 AttentionRecord& record) const;

  AttentionConfig config_;
  std::shared_ptr<Linear> query_, key_, value_, output_, gate_;
  std::shared_ptr<Norm> query_norm_, key_norm_;
  at::Tensor sinks_;  // [H]
};

bool has_sink(Mechanism mechanism);
bool is_gated(Mechanism mechanism);

// Whether a layer takes the reference path whatever AttentionInput::paths admits, as it does for
// one call when weights are observed: the operator knows neither sigmoid nor relu, nor a bias on
// vanilla's gate.
bool needs_reference(Mechanism mechanism, bool gate_bias);

// Names as recipes spell them, such as "gated_headwise".
const std::vector<std::pair<std::string, Mechanism>>& mechanism_names();
std::string name(Mechanism mechanism);

}  // namespace sinkwise::nn
