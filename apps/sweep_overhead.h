#pragma once

#include "console.h"
#include "sinkwise/sweep/grid.h"

namespace sinkwise::apps {

// Times the pairs of grid.overhead one after the other and writes them to overhead.json in
// grid.out, each with the origin that lets a second call keep it.
void measure_overhead(const sweep::Grid& grid, Console& console);

}  // namespace sinkwise::apps
