#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace sinkwise::bench {

// Sizes of one comparison: causal self-attention of B = 1.
struct AttentionSize {
  std::int64_t H = 1, T = 128, D = 64;
  std::int64_t window = 0;  // 0: none
  at::ScalarType type = at::kFloat;
  int threads = 1;
};

// Times of one implementation, milliseconds a call.
struct Spread {
  double median = 0.0, low = 0.0, high = 0.0;  // quartiles
};
struct AttentionTimes {
  std::string name;  // "kernel", or a peer of attention_peers()
  Spread forward, backward, both;
  double gflops = 0.0;           // of both, counting the visible pairs only: 14 D a pair
  double share_of_peak = 0.0;    // of the multiply-add peak times the threads
  double ratio_to_kernel = 0.0;  // median over rounds of its `both` divided by the kernel's
  double extra_mebibytes = 0.0;  // peak resident memory of one forward and backward, beyond before
};

struct AttentionComparison {
  AttentionSize size;
  int rounds = 0;
  std::vector<AttentionTimes> times;  // the kernel first
};

struct BenchBudget {
  double seconds = 3.0;  // a comparison stops after the round that passes this
  int least_rounds = 3, most_rounds = 30;
};

// Names of what the kernel is held against:
//   stock      the flash operator of Torch, without sink and gate
//   eager      scores with a sink column, softmax, product: what people train sinks with
//   reference  the operator's own readable path
std::vector<std::string> attention_peers();

// Times the operator with sink and gate, both with upstream gradients, on the kernel path and
// beside it `peers`, in rounds of one call each so that a machine whose speed drifts meets all
// alike. `peak` is kernels::peak_flops() of the size's type.
AttentionComparison compare_attention(const AttentionSize& size,
                                      const std::vector<std::string>& peers,
                                      const BenchBudget& budget, double peak);

nlohmann::json to_json(const AttentionComparison& comparison);

}  // namespace sinkwise::bench
