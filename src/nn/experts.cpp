#include "sinkwise/nn/experts.h"

namespace sinkwise::nn {

struct Experts::Choice {
  at::Tensor expert;  // [N, used] int64
  at::Tensor weight;  // [N, used]
};

Experts::Experts(const ExpertsConfig& config) : config_(config) {
  const auto E = config_.experts, width = config_.width, hidden = config_.hidden;
  const bool biases = config_.kind == ExpertKind::clamped;
  router_ = register_module("router", std::make_shared<Linear>(width, E, biases));
  gate_up_ = register_parameter("gate_up_proj", at::zeros({E, 2 * hidden, width}));
  down_ = register_parameter("down_proj", at::zeros({E, width, hidden}));
  if (biases) {
    gate_up_bias_ = register_parameter("gate_up_proj_bias", at::zeros({E, 2 * hidden}));
    down_bias_ = register_parameter("down_proj_bias", at::zeros({E, width}));
  }
  if (config_.shared_hidden == 0) return;
  shared_ = register_module("shared_expert",
                            std::make_shared<Mlp>(MlpKind::swiglu, width, config_.shared_hidden));
  shared_gate_ = register_module("shared_expert_gate", std::make_shared<Linear>(width, 1));
}

at::Tensor Experts::forward(const at::Tensor& x) const {
  const at::Tensor tokens = x.reshape({-1, config_.width});  // [N, width]
  const Choice choice = choose(tokens);
  at::Tensor sum = at::zeros_like(tokens);
  for (std::int64_t e = 0; e < config_.experts; ++e) {
    const at::Tensor hits = (choice.expert == e).nonzero();  // [n, 2]: token, rank
    if (hits.size(0) == 0) continue;
    const at::Tensor token = hits.select(1, 0);
    const at::Tensor weight = choice.weight.index({token, hits.select(1, 1)}).unsqueeze(-1);
    sum = sum.index_add(0, token, weight * expert(e, tokens.index_select(0, token)));
  }
  if (shared_) sum = sum + at::sigmoid(shared_gate_->forward(tokens)) * shared_->forward(tokens);
  return sum.view(x.sizes());
}

Experts::Choice Experts::choose(const at::Tensor& x) const {
  at::Tensor logits = router_->forward(x).to(at::kFloat);  // [N, E]
  auto [top, expert] = logits.topk(config_.used, -1);
  const at::Tensor weight =
      config_.normalised ? top.softmax(-1) : logits.softmax(-1).gather(-1, expert);
  return {expert, weight.to(x.scalar_type())};
}

at::Tensor Experts::expert(std::int64_t e, const at::Tensor& x) const {
  const auto type = x.scalar_type();
  auto of = [&](const at::Tensor& stacked) -> std::optional<at::Tensor> {
    return stacked.defined() ? std::optional(stacked[e].to(type)) : std::nullopt;
  };
  const at::Tensor both = at::linear(x, *of(gate_up_), of(gate_up_bias_));  // [n, 2 hidden]
  at::Tensor gate = both.narrow(-1, 0, config_.hidden);
  at::Tensor up = both.narrow(-1, config_.hidden, config_.hidden);
  if (config_.kind == ExpertKind::swiglu) {
    return at::linear(at::silu(gate) * up, *of(down_), of(down_bias_));
  }
  gate = gate.clamp_max(config_.limit);
  up = up.clamp(-config_.limit, config_.limit);
  const at::Tensor inner = (up + 1) * gate * at::sigmoid(config_.alpha * gate);
  return at::linear(inner, *of(down_), of(down_bias_));
}

}  // namespace sinkwise::nn
