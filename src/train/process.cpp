#include <algorithm>
#include <malloc.h>
#include <thread>

#include <torch/torch.h>

#include "sinkwise/train/trainer.h"

namespace sinkwise::train {
namespace {

// A step frees and takes the same blocks as the step before. By default the C library hands them
// back to the kernel in between, and the page faults of the next step cost a small model a tenth
// of its time.
void keep_freed_memory() {
#ifdef __GLIBC__
  // The most that glibc takes; larger blocks are mapped.
  constexpr int kLargestThreshold = 32 << 20;
  mallopt(M_MMAP_THRESHOLD, kLargestThreshold);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 16 << 20);
#endif
}

}  // namespace

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
