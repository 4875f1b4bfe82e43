#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "sinkwise/bench/attention.h"

namespace sinkwise::bench {

// One implementation on operands of its own. forward() keeps what backward() needs.
class Implementation {
 public:
  virtual ~Implementation() = default;
  virtual void forward() = 0;
  virtual void backward() = 0;
};

// The operands that all implementations share; the same numbers for all.
struct Operands {
  at::Tensor query, key, value;    // [1, H, T, D], lying as [1, T, H, D]
  at::Tensor sink;                 // [H]
  at::Tensor grad_out, grad_gate;  // [1, H, T, D], [1, H, T]
};
Operands make_operands(const AttentionSize& size);

// `name` is "kernel" or one of attention_peers().
std::unique_ptr<Implementation> make_implementation(const std::string& name,
                                                    const AttentionSize& size,
                                                    const Operands& operands);

}  // namespace sinkwise::bench
