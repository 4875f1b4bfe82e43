#include "sinkwise/kernels/attention.h"

#include <limits>

#include "cpu/tiling.h"

namespace sinkwise::kernels {
namespace {

// Full attention over packed documents sees an interval only if each document's rows are
// neighbours.
bool documents_are_runs(const AttentionProblem& p) {
  for (std::int64_t b = 0; b < p.B; ++b) {
    const std::int64_t* start = p.document_start + b * p.T;
    for (std::int64_t i = 1; i < p.T; ++i) {
      if (start[i] < start[i - 1]) return false;
    }
  }
  return true;
}

}  // namespace

Executor serial_executor() {
  return {1, [](std::int64_t count, const std::function<void(std::int64_t)>& work) {
            for (std::int64_t i = 0; i < count; ++i) work(i);
          }};
}

std::optional<std::string> decline_reason(const AttentionProblem& p) {
  if (p.D < 1 || p.D > kLargestHead) {
    return "head size " + std::to_string(p.D) + " is outside 1 to " + std::to_string(kLargestHead);
  }
  if (p.T > std::numeric_limits<std::int32_t>::max() / 2 ||
      p.S > std::numeric_limits<std::int32_t>::max() / 2) {
    return "more than 2^30 rows";
  }
  if (p.document_start != nullptr && !p.causal && !documents_are_runs(p)) {
    return "documents whose rows are not neighbours, without causal order";
  }
  return std::nullopt;
}

}  // namespace sinkwise::kernels
