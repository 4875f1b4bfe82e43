#include "sinkwise/compare/statistics.h"

#include <algorithm>
#include <cmath>

namespace sinkwise::compare {
namespace {

constexpr int kFewestSeeds = 3;

}  // namespace

Figure figure_of(std::vector<double> per_seed) {
  const double centre = mean(per_seed), spread = sample_deviation(per_seed);
  return {std::move(per_seed), centre, spread};
}

int measured(const Figure& figure) {
  return static_cast<int>(
      std::ranges::count_if(figure.per_seed, [](double v) { return std::isfinite(v); }));
}

Effect effect_of(const Figure& difference) {
  const int seeds = measured(difference);
  if (seeds < kFewestSeeds) return Effect::unclear;
  const double two_errors = 2.0 * difference.spread / std::sqrt(static_cast<double>(seeds));
  if (std::abs(difference.mean) <= std::max(difference.spread, two_errors)) return Effect::none;
  return difference.mean < 0.0 ? Effect::lower : Effect::higher;
}

}  // namespace sinkwise::compare
