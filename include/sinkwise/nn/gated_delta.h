#pragma once

#include <memory>

#include "sinkwise/nn/linear.h"
#include "sinkwise/nn/norm.h"

namespace sinkwise::nn {

struct GatedDeltaConfig {
  std::int64_t width = 0;
  std::int64_t key_heads = 0, key_size = 0;      // of queries and keys
  std::int64_t value_heads = 0, value_size = 0;  // key_heads divides value_heads
  std::int64_t kernel = 4;                       // positions that the convolution sees
  double norm_epsilon = 1e-6;
};

// What the positions that came before leave behind, for generating token by token.
struct GatedDeltaCache {
  at::Tensor tail;   // [B, channels, kernel - 1]: inputs of the convolution
  at::Tensor state;  // [B, value_heads, key_size, value_size]
};

// Linear attention by the gated delta rule (arXiv 2412.06464), as Qwen3-Next has it: a state of
// fixed size instead of scores, so there is no sink and no gate to observe. Written as the
// recurrence, one position after the other: readable, exact and not fast.
//   state_t = exp(g_t) state_t-1 + k_t (beta_t (v_t - (exp(g_t) state_t-1)^T k_t))^T
//   out_t   = state_t^T q_t / sqrt(key_size)
class GatedDelta : public torch::nn::Module {
 public:
  explicit GatedDelta(const GatedDeltaConfig& config);

  // [B, T, width] -> [B, T, width]. `cache`, when given, is read and moved on.
  at::Tensor forward(const at::Tensor& x, GatedDeltaCache* cache = nullptr) const;

 private:
  at::Tensor convolve(const at::Tensor& mixed, GatedDeltaCache* cache) const;

  GatedDeltaConfig config_;
  std::shared_ptr<Linear> in_qkv_, in_z_, in_b_, in_a_, out_;
  at::Tensor conv_;             // [channels, 1, kernel]
  at::Tensor a_log_, dt_bias_;  // [value_heads]
  std::shared_ptr<Norm> norm_;
};

}  // namespace sinkwise::nn
