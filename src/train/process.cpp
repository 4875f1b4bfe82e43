#include <algorithm>
#include <thread>

#include <torch/torch.h>

#include "sinkwise/core/memory.h"
#include "sinkwise/train/trainer.h"

namespace sinkwise::train {
void configure_process(const RunConfig& config) {
  keep_freed_memory();
  const auto cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  at::set_num_threads(config.run.threads > 0 ? static_cast<int>(config.run.threads) : cores);
  at::globalContext().setDeterministicAlgorithms(config.run.deterministic, /*warn_only=*/false);
  // Filling fresh memory with NaN is a debugging aid of that mode; it costs time and changes no
  // bit.
  at::globalContext().setDeterministicFillUninitializedMemory(false);
}

}  // namespace sinkwise::train
