#include "sinkwise/nn/attention.h"

#include <algorithm>
#include <cmath>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/nn/score_scale.h"
#include "sinkwise/ops/attention_reference.h"
#include "sinkwise/ops/first_key.h"

namespace sinkwise::nn {
namespace {

void check(const AttentionConfig& c) {
  auto refuse = [](const std::string& what, const std::string& where, const std::string& expected,
                   std::int64_t found) {
    throw BadArgument({"attention layer: " + what, where, expected, concat(found), ""});
  };
  if (c.heads < 1) refuse("no heads", "heads", "at least 1", c.heads);
  if (c.head_size < 1) refuse("empty heads", "head_size", "at least 1", c.head_size);
  if (c.key_heads < 1 || c.heads % c.key_heads != 0) {
    refuse("key heads do not divide the query heads", "key_heads", concat("a divisor of ", c.heads),
           c.key_heads);
  }
}

bool is_control(Mechanism mechanism) {
  return mechanism == Mechanism::sigmoid || mechanism == Mechanism::relu;
}

ops::ScoreFunction score_function(Mechanism mechanism) {
  if (mechanism == Mechanism::sigmoid) return ops::ScoreFunction::sigmoid;
  if (mechanism == Mechanism::relu) return ops::ScoreFunction::relu;
  return ops::ScoreFunction::softmax;
}

// Where the implicit gate is read; an explicit gate leaves the operator without one.
ops::Gate implicit_gate(Mechanism mechanism) {
  if (is_gated(mechanism)) return ops::Gate::none;
  return has_sink(mechanism) ? ops::Gate::sink : ops::Gate::first_key;
}

ops::Geometry geometry_of(const AttentionInput& input, const AttentionConfig& config,
                          std::int64_t keys) {
  ops::Geometry geometry{input.x.size(1), keys, true, config.window, {}};
  if (input.document_start.defined()) geometry.document_start = input.document_start.to(at::kLong);
  return geometry;
}

// `value` [B, K, T, D] with 0 at the first token of every document.
at::Tensor without_first(const at::Tensor& value, const at::Tensor& document_start) {
  const at::Tensor position = at::arange(value.size(2), value.options().dtype(at::kLong));
  const at::Tensor first = document_start.defined() ? document_start.to(at::kLong) == position
                                                    : (position == 0).unsqueeze(0);  // [B or 1, T]
  return value.masked_fill(first.unsqueeze(1).unsqueeze(-1), 0.0);
}

// `held` [B, K, S, D], the beginning of `room`, becomes all S + T positions, those of `added`
// [B, K, T, D] behind the others.
void append(at::Tensor& held, at::Tensor& room, const at::Tensor& added) {
  constexpr std::int64_t kLeastRoom = 64;
  const std::int64_t before = held.defined() ? held.size(2) : 0, all = before + added.size(2);
  if (!room.defined() || room.size(2) < all) {
    const std::int64_t positions = std::max(2 * before, std::max(all, kLeastRoom));
    room = at::empty({added.size(0), added.size(1), positions, added.size(3)}, added.options());
    if (before > 0) room.narrow(2, 0, before).copy_(held);
  }
  room.narrow(2, before, added.size(2)).copy_(added.detach());
  held = room.narrow(2, 0, all);
}

// Puts the positions that came before in front, and leaves all of them in the cache.
void append(KeyValueCache& cache, at::Tensor& key, at::Tensor& value) {
  append(cache.key, cache.key_room, key);
  append(cache.value, cache.value_room, value);
  key = cache.key;
  value = cache.value;
}

}  // namespace

double score_scale(const AttentionConfig& config) {
  return config.scale.value_or(1.0 / std::sqrt(static_cast<double>(config.head_size)));
}

struct Attention::Heads {
  at::Tensor query;       // [B, H, T, D]
  at::Tensor key, value;  // [B, K, T, D]
};

Attention::Attention(const AttentionConfig& config) : config_(config) {
  check(config_);
  const auto inner = config_.heads * config_.head_size;
  const auto key_inner = config_.key_heads * config_.head_size;
  const bool bias = config_.input_bias;
  query_ = register_module("q_proj", std::make_shared<Linear>(config_.width, inner, bias));
  key_ = register_module("k_proj", std::make_shared<Linear>(config_.width, key_inner, bias));
  value_ = register_module("v_proj", std::make_shared<Linear>(config_.width, key_inner, bias));
  output_ = register_module("o_proj",
                            std::make_shared<Linear>(inner, config_.width, config_.output_bias));
  if (is_gated(config_.mechanism)) {
    const auto gates = config_.mechanism == Mechanism::gated_headwise ? config_.heads : inner;
    gate_ = register_module(
        "gate_proj", std::make_shared<Linear>(config_.width, gates, config_.gate_projection_bias));
  }
  if (config_.qk_norm) {
    auto norm = [&] {
      return std::make_shared<Norm>(config_.head_size, NormKind::rms, config_.norm_epsilon);
    };
    query_norm_ = register_module("q_norm", norm());
    key_norm_ = register_module("k_norm", norm());
  }
  if (config_.mechanism == Mechanism::sink) {
    sinks_ = register_parameter("sinks", at::full({config_.heads}, config_.sink_init));
  }
  if (config_.gate_bias) gate_bias = register_buffer("gate_bias", at::zeros({config_.heads}));
}

AttentionOutput Attention::forward(const AttentionInput& input) const {
  Heads heads = project(input);
  if (input.cache != nullptr) append(*input.cache, heads.key, heads.value);
  if (input.drop_first_value) heads.value = without_first(heads.value, input.document_start);
  AttentionOutput output;
  at::Tensor out = attend(heads, input, output.record);  // [B, H, T, D]
  if (gate_) out = apply_explicit_gate(out, input, output.record);
  if (input.head_scale.defined()) {
    out = out * input.head_scale.to(out.scalar_type()).view({1, -1, 1, 1});
  }
  if (input.observe.output_norm)
    output.record.output_norm = out.detach().to(at::kFloat).norm(2, -1);
  if (input.observe.value_norm) {
    output.record.value_norm = heads.value.detach().to(at::kFloat).norm(2, -1);
  }
  if (input.observe.heads) {
    output.record.query = heads.query.detach();
    output.record.key = heads.key.detach();
    output.record.value = heads.value.detach();
  }
  const auto B = out.size(0), T = out.size(2);
  output.y = output_->forward(out.transpose(1, 2).reshape({B, T, -1}));
  return output;
}

Attention::Heads Attention::project(const AttentionInput& input) const {
  const auto B = input.x.size(0), T = input.x.size(1);
  auto split = [&](const std::shared_ptr<Linear>& projection, std::int64_t heads) {
    return projection->forward(input.x).view({B, T, heads, config_.head_size});
  };
  at::Tensor query = split(query_, config_.heads), key = split(key_, config_.key_heads);
  if (config_.qk_norm) {
    query = query_norm_->forward(query);
    key = key_norm_->forward(key);
  }
  if (input.rotary != nullptr) {
    const std::int64_t from = input.cache != nullptr ? input.cache->length() : 0;
    query = rotate(query, *input.rotary, from);
    key = rotate(key, *input.rotary, from);
  }
  // Views: the operator reads [B, H, T, D] out of memory that lies as [B, T, H, D].
  return {query.transpose(1, 2), key.transpose(1, 2),
          split(value_, config_.key_heads).transpose(1, 2)};
}

at::Tensor Attention::sink_logits() const {
  if (config_.mechanism == Mechanism::softmax_plus_one) {
    return at::zeros({config_.heads}, query_->weight.options());
  }
  if (!sinks_.defined() || !gate_bias.defined()) return sinks_;
  return sinks_ - gate_bias;  // a higher bias opens the gate
}

at::Tensor Attention::attend(const Heads& heads, const AttentionInput& input,
                             AttentionRecord& record) const {
  const ops::Geometry geometry = geometry_of(input, config_, heads.key.size(2));
  const ops::Gate gate = implicit_gate(config_.mechanism);
  if (input.observe.gate) {
    // An explicit gate is never fixed by construction, like a sink's.
    const ops::Gate rule = gate == ops::Gate::none ? ops::Gate::sink : gate;
    record.informative = ops::informative_rows(geometry, rule, input.x.device());
  }
  if (input.observe.first_key_weight) {
    record.sees_first = ops::informative_rows(geometry, ops::Gate::first_key, input.x.device());
  }
  const bool reference =
      input.observe.weights || needs_reference(config_.mechanism, gate_bias.defined());
  return reference ? attend_reference(heads, input, record) : attend_fused(heads, input, record);
}

at::Tensor Attention::attend_fused(const Heads& heads, const AttentionInput& input,
                                   AttentionRecord& record) const {
  ops::AttentionOptions options;
  options.window = config_.window;
  options.scale = config_.scale;
  options.paths = input.paths;
  if (input.observe.gate) options.gate = implicit_gate(config_.mechanism);
  const auto result = ops::attention(heads.query, heads.key, heads.value, sink_logits(),
                                     input.document_start, options);
  record.gate = result.gate;
  record.lse = result.lse;
  if (input.observe.first_key_weight) {
    record.first_key_weight =
        ops::first_key_weight(heads.query.detach(), heads.key.detach(), result.lse.detach(),
                              geometry_of(input, config_, heads.key.size(2)), score_scale(config_));
  }
  return result.out;
}

at::Tensor Attention::attend_reference(const Heads& heads, const AttentionInput& input,
                                       AttentionRecord& record) const {
  ops::ReferenceOptions options;
  options.scale = score_scale(config_);
  options.score_function = score_function(config_.mechanism);
  const ops::Gate gate = implicit_gate(config_.mechanism);
  if (input.observe.gate) options.gate = gate;
  if (gate_bias.defined() && config_.mechanism == Mechanism::vanilla) {
    options.first_key_bias = -gate_bias;  // a higher bias takes weight from the first key
  }
  const ops::Geometry geometry = geometry_of(input, config_, heads.key.size(2));
  const auto result = ops::reference_attention(heads.query, heads.key, heads.value, sink_logits(),
                                               geometry, options);
  record.gate = result.gate;
  record.lse = result.lse;
  if (input.observe.weights) record.weights = result.weights.detach();
  if (input.observe.first_key_weight) {
    const at::Tensor index = ops::first_key(geometry, input.x.device()).unsqueeze(1).unsqueeze(-1);
    const at::Tensor& weights = result.weights;
    at::Tensor first =
        weights.gather(-1, index.expand({weights.size(0), weights.size(1), weights.size(2), 1}));
    if (is_control(config_.mechanism)) first = first / weights.sum(-1, true).clamp_min(1e-30);
    record.first_key_weight = first.squeeze(-1).detach();
  }
  return result.out;
}

at::Tensor Attention::apply_explicit_gate(const at::Tensor& out, const AttentionInput& input,
                                          AttentionRecord& record) const {
  const auto B = out.size(0), H = out.size(1), T = out.size(2);
  at::Tensor logits = gate_->forward(input.x).view({B, T, H, -1});  // [B, T, H, 1 or D]
  if (gate_bias.defined()) logits = logits + gate_bias.to(logits.scalar_type()).view({1, 1, H, 1});
  const at::Tensor gate = logits.to(at::kFloat).sigmoid().transpose(1, 2);  // [B, H, T, 1 or D]
  if (input.observe.gate) record.gate = gate.size(-1) == 1 ? gate.squeeze(-1) : gate.mean(-1);
  return out * gate.to(out.scalar_type());
}

bool has_sink(Mechanism mechanism) {
  return mechanism == Mechanism::sink || mechanism == Mechanism::softmax_plus_one;
}

bool is_gated(Mechanism mechanism) {
  return mechanism == Mechanism::gated_headwise || mechanism == Mechanism::gated_elementwise;
}

bool needs_reference(Mechanism mechanism, bool gate_bias) {
  return is_control(mechanism) || (gate_bias && mechanism == Mechanism::vanilla);
}

const std::vector<std::pair<std::string, Mechanism>>& mechanism_names() {
  static const std::vector<std::pair<std::string, Mechanism>> names = {
      {"vanilla", Mechanism::vanilla},
      {"sink", Mechanism::sink},
      {"gated_headwise", Mechanism::gated_headwise},
      {"gated_elementwise", Mechanism::gated_elementwise},
      {"softmax_plus_one", Mechanism::softmax_plus_one},
      {"sigmoid", Mechanism::sigmoid},
      {"relu", Mechanism::relu},
  };
  return names;
}

std::string name(Mechanism mechanism) {
  for (const auto& [text, value] : mechanism_names()) {
    if (value == mechanism) return text;
  }
  return "unknown";
}

}  // namespace sinkwise::nn
