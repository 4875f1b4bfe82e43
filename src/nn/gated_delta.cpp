#include "sinkwise/nn/gated_delta.h"

#include <cmath>

namespace sinkwise::nn {
namespace {

// x / sqrt(sum x^2 + 1e-6) over the last dimension.
at::Tensor unit_length(const at::Tensor& x) {
  return x * at::rsqrt(x.square().sum(-1, true) + 1e-6);
}

struct Sequence {
  at::Tensor query, key;    // [B, T, heads, key_size]
  at::Tensor value;         // [B, T, heads, value_size]
  at::Tensor decay, write;  // [B, T, heads]: exp(g) and beta
};

// [B, T, heads, value_size]; `state` [B, heads, key_size, value_size] is moved on.
at::Tensor delta_rule(const Sequence& s, at::Tensor& state) {
  std::vector<at::Tensor> outputs;
  for (std::int64_t t = 0; t < s.query.size(1); ++t) {
    const at::Tensor key = s.key.select(1, t).unsqueeze(-1);  // [B, heads, key_size, 1]
    state = state * s.decay.select(1, t).unsqueeze(-1).unsqueeze(-1);
    const at::Tensor recalled = (state * key).sum(-2);
    const at::Tensor news = (s.value.select(1, t) - recalled) * s.write.select(1, t).unsqueeze(-1);
    state = state + key * news.unsqueeze(-2);
    outputs.push_back((state * s.query.select(1, t).unsqueeze(-1)).sum(-2));
  }
  return at::stack(outputs, 1);
}

}  // namespace

GatedDelta::GatedDelta(const GatedDeltaConfig& c) : config_(c) {
  const auto keys = c.key_heads * c.key_size, values = c.value_heads * c.value_size;
  auto linear = [&](const char* name, std::int64_t in, std::int64_t out) {
    return register_module(name, std::make_shared<Linear>(in, out));
  };
  in_qkv_ = linear("in_proj_qkv", c.width, 2 * keys + values);
  in_z_ = linear("in_proj_z", c.width, values);
  in_b_ = linear("in_proj_b", c.width, c.value_heads);
  in_a_ = linear("in_proj_a", c.width, c.value_heads);
  out_ = linear("out_proj", values, c.width);
  conv_ = register_parameter("conv1d_weight", at::zeros({2 * keys + values, 1, c.kernel}));
  a_log_ = register_parameter("A_log", at::zeros({c.value_heads}));
  dt_bias_ = register_parameter("dt_bias", at::zeros({c.value_heads}));
  norm_ =
      register_module("norm", std::make_shared<Norm>(c.value_size, NormKind::rms, c.norm_epsilon));
}

at::Tensor GatedDelta::forward(const at::Tensor& x, GatedDeltaCache* cache) const {
  const auto& c = config_;
  const auto B = x.size(0), T = x.size(1);
  const auto keys = c.key_heads * c.key_size, values = c.value_heads * c.value_size;
  const auto repeats = c.value_heads / c.key_heads;
  const at::Tensor mixed = convolve(in_qkv_->forward(x), cache);  // [B, T, channels]
  auto heads = [&](std::int64_t from) {
    const at::Tensor part = mixed.narrow(-1, from, keys).reshape({B, T, c.key_heads, c.key_size});
    return unit_length(part.to(at::kFloat)).repeat_interleave(repeats, 2);
  };
  Sequence s;
  s.query = heads(0) / std::sqrt(static_cast<double>(c.key_size));
  s.key = heads(keys);
  s.value = mixed.narrow(-1, 2 * keys, values)
                .reshape({B, T, c.value_heads, c.value_size})
                .to(at::kFloat);
  s.write = in_b_->forward(x).to(at::kFloat).sigmoid();
  const at::Tensor step = at::softplus(in_a_->forward(x).to(at::kFloat) + dt_bias_);
  s.decay = (-a_log_.exp() * step).exp();
  at::Tensor state =
      cache != nullptr && cache->state.defined()
          ? cache->state
          : at::zeros({B, c.value_heads, c.key_size, c.value_size}, s.value.options());
  const at::Tensor out = delta_rule(s, state);
  if (cache != nullptr) cache->state = state;
  const at::Tensor z = in_z_->forward(x).view(out.sizes()).to(at::kFloat);
  const at::Tensor gated = norm_->forward(out) * at::silu(z);
  return out_->forward(gated.to(x.scalar_type()).reshape({B, T, values}));
}

// A causal convolution of every channel by itself, then silu: [B, T, channels] to the same.
at::Tensor GatedDelta::convolve(const at::Tensor& mixed, GatedDeltaCache* cache) const {
  const at::Tensor x = mixed.transpose(1, 2);  // [B, channels, T]
  const auto reach = config_.kernel - 1;
  const at::Tensor before = cache != nullptr && cache->tail.defined()
                                ? cache->tail
                                : at::zeros({x.size(0), x.size(1), reach}, x.options());
  const at::Tensor padded = at::cat({before, x}, 2);
  if (cache != nullptr) cache->tail = padded.narrow(2, padded.size(2) - reach, reach);
  const at::Tensor y =
      at::conv1d(padded, conv_.to(x.scalar_type()), /*bias=*/std::nullopt, at::IntArrayRef{1},
                 at::IntArrayRef{0}, at::IntArrayRef{1}, x.size(1));
  return at::silu(y).transpose(1, 2);
}

}  // namespace sinkwise::nn
