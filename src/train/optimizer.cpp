#include "sinkwise/train/optimizer.h"

namespace sinkwise::train {

AdamW::AdamW(std::vector<std::pair<std::string, at::Tensor>> parameters, const AdamWConfig& config)
    : config_(config), groups_(2) {
  groups_[0].weight_decay = config.weight_decay;
  for (auto& [name, parameter] : parameters) {
    Group& group = groups_[parameter.dim() >= 2 ? 0 : 1];
    group.names.push_back(name);
    group.parameters.push_back(parameter);
    group.first.push_back(at::zeros_like(parameter));
    group.second.push_back(at::zeros_like(parameter));
    group.steps.push_back(at::zeros({}, parameter.options().dtype(at::kFloat)));
  }
}

void AdamW::zero_gradients() {
  for (Group& group : groups_) {
    for (at::Tensor& parameter : group.parameters) parameter.mutable_grad().reset();
  }
}

// A parameter that the loss did not reach has gradient 0, and decays like the others.
std::vector<at::Tensor> AdamW::gradients_of(const Group& group) const {
  std::vector<at::Tensor> gradients;
  gradients.reserve(group.parameters.size());
  for (const at::Tensor& parameter : group.parameters) {
    gradients.push_back(parameter.grad().defined() ? parameter.grad() : at::zeros_like(parameter));
  }
  return gradients;
}

double AdamW::clip_gradients(double clip) {
  torch::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (const Group& group : groups_) {
    for (const at::Tensor& parameter : group.parameters) {
      if (parameter.grad().defined()) gradients.push_back(parameter.grad());
    }
  }
  if (gradients.empty()) return 0.0;
  const double norm = at::stack(at::_foreach_norm(gradients)).norm().item<double>();
  if (clip > 0.0 && norm > clip) at::_foreach_mul_(gradients, clip / norm);
  return norm;
}

void AdamW::step(double lr) {
  torch::NoGradGuard no_grad;
  for (Group& group : groups_) {
    if (group.parameters.empty()) continue;
    at::_foreach_add_(group.steps, 1);
    at::_fused_adamw_(group.parameters, gradients_of(group), group.first, group.second, {},
                      group.steps, lr, config_.beta1, config_.beta2, group.weight_decay,
                      config_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
  }
  ++steps_;
}

std::vector<std::pair<std::string, at::Tensor>> AdamW::named_state() const {
  std::vector<std::pair<std::string, at::Tensor>> state;
  for (const Group& group : groups_) {
    for (std::size_t n = 0; n < group.names.size(); ++n) {
      state.emplace_back(group.names[n] + ".first", group.first[n]);
      state.emplace_back(group.names[n] + ".second", group.second[n]);
    }
  }
  return state;
}

void AdamW::set_steps(std::int64_t steps) {
  steps_ = steps;
  for (Group& group : groups_) {
    for (at::Tensor& count : group.steps) count.fill_(static_cast<double>(steps));
  }
}

}  // namespace sinkwise::train
