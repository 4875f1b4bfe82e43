#pragma once

#include "sinkwise/train/step_bench.h"

namespace sinkwise::apps {

// What the balance loss costs a step: two lines for a person, or the list that `compare --overhead`
// reads.
void show_overhead(const train::Overhead& overhead, bool json);

}  // namespace sinkwise::apps
