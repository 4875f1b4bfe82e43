#include <torch/torch.h>

#include "sinkwise/core/cores.h"
#include "sinkwise/core/memory.h"
#include "sinkwise/train/trainer.h"

namespace sinkwise::train {

void configure_process(const LoopConfig& config) {
  keep_freed_memory();
  at::set_num_threads(static_cast<int>(or_one_a_core(config.run.threads)));
  at::globalContext().setDeterministicAlgorithms(config.run.deterministic, /*warn_only=*/false);
  // Filling fresh memory with NaN is a debugging aid of that mode; it costs time and changes no
  // bit.
  at::globalContext().setDeterministicFillUninitializedMemory(false);
}

}  // namespace sinkwise::train
