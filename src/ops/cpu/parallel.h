#pragma once

#include "sinkwise/kernels/attention.h"

namespace sinkwise::ops::cpu {

// Torch's own threads, as many as at::get_num_threads(). Inside one of its parallel regions `run`
// works through the calls one after another.
kernels::Executor torch_executor();

}  // namespace sinkwise::ops::cpu
