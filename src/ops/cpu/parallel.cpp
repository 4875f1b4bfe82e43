#include "cpu/parallel.h"

#include <ATen/Parallel.h>

// at::parallel_for is a header around OpenMP: compiled without it, it loops in silence.
#ifndef _OPENMP
#error "this file needs -fopenmp"
#endif

namespace sinkwise::ops::cpu {

kernels::Executor torch_executor() {
  return {at::get_num_threads(), [](std::int64_t count, const auto& work) {
            at::parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
              for (std::int64_t i = begin; i < end; ++i) work(i);
            });
          }};
}

}  // namespace sinkwise::ops::cpu
