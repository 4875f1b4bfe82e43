#pragma once

#include <string>
#include <vector>

#include <torch/torch.h>

namespace sinkwise::train {

struct AdamWConfig {
  double lr = 3e-3;  // at the peak of the schedule
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;  // decoupled: parameters shrink by lr * weight_decay
};

// AdamW (arXiv 1711.05101) on float32 parameters, through Torch's fused kernel. Matrices decay;
// norms, biases and sink logits (everything with fewer than two dimensions) do not.
class AdamW {
 public:
  AdamW(std::vector<std::pair<std::string, at::Tensor>> parameters, const AdamWConfig& config);

  void zero_gradients();

  // Scales all gradients so that their joint norm is at most `clip` (0: leaves them alone) and
  // returns the norm before that. Not finite when any gradient is not.
  double clip_gradients(double clip);

  void step(double lr);

  // The state by name, "<parameter>.first" and "<parameter>.second" moments, for checkpoints: the
  // tensors themselves, so that a restore writes into them.
  std::vector<std::pair<std::string, at::Tensor>> named_state() const;
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps);

 private:
  struct Group {
    std::vector<std::string> names;
    std::vector<at::Tensor> parameters, first, second, steps;
    double weight_decay = 0.0;
  };
  std::vector<at::Tensor> gradients_of(const Group& group) const;

  AdamWConfig config_;
  std::vector<Group> groups_;
  std::int64_t steps_ = 0;
};

}  // namespace sinkwise::train
