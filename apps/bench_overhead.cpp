#include "bench_overhead.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "console.h"

namespace sinkwise::apps {

void show_overhead(const train::Overhead& o, bool json) {
  if (json) {
    std::cout << nlohmann::json::array({to_json(o)}).dump(1) << '\n';
    return;
  }
  std::cout << o.task << ", " << o.mechanism << ": step " << fixed(o.base_ms, 2) << " ms without, "
            << fixed(o.balanced_ms, 2) << " ms with the balance loss\nratio " << fixed(o.ratio, 4)
            << " (quartiles " << fixed(o.ratio_low, 4) << " to " << fixed(o.ratio_high, 4)
            << "), median of " << o.pairs << " interleaved pairs\n";
}

}  // namespace sinkwise::apps
