#pragma once

#include <memory>

#include "sinkwise/nn/linear.h"
#include "sinkwise/nn/mlp.h"

namespace sinkwise::nn {

enum class ExpertKind {
  swiglu,   // down(silu(gate x) * up x)
  clamped,  // down((up + 1) * gate * sigmoid(1.702 gate)), gate <= limit, |up| <= limit, with
            // biases (GPT-OSS)
};

struct ExpertsConfig {
  ExpertKind kind = ExpertKind::swiglu;
  std::int64_t width = 0, hidden = 0;  // hidden size of one expert
  std::int64_t experts = 0;            // E
  std::int64_t used = 0;               // experts a token
  // Weights of the chosen experts: their share of a softmax over all experts, or (normalised) of
  // one over the chosen alone.
  bool normalised = true;
  double limit = 7.0, alpha = 1.702;  // of ExpertKind::clamped
  std::int64_t shared_hidden = 0;     // of an expert that every token uses; 0: there is none
};

// A mixture of experts: each token goes through `used` of E small MLPs, by the weights of a router.
class Experts : public torch::nn::Module {
 public:
  explicit Experts(const ExpertsConfig& config);
  at::Tensor forward(const at::Tensor& x) const;  // [..., width] -> [..., width]

 private:
  struct Choice;  // of each token: experts and their weights

  Choice choose(const at::Tensor& x) const;
  at::Tensor expert(std::int64_t e, const at::Tensor& x) const;

  ExpertsConfig config_;
  std::shared_ptr<Linear> router_;       // [E, width]
  at::Tensor gate_up_, gate_up_bias_;    // [E, 2 hidden, width], [E, 2 hidden]: gate, then up
  at::Tensor down_, down_bias_;          // [E, width, hidden], [E, width]
  std::shared_ptr<Mlp> shared_;          // the expert of every token,
  std::shared_ptr<Linear> shared_gate_;  // times sigmoid of this [1, width]
};

}  // namespace sinkwise::nn
