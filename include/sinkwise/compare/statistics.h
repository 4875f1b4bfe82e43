#pragma once

#include <vector>

#include "sinkwise/core/statistics.h"

namespace sinkwise::compare {

// One figure over the seeds of an arm, or of a difference over paired seeds.
struct Figure {
  std::vector<double> per_seed;  // NaN where not measured
  double mean = 0.0;
  double spread = 0.0;  // sample standard deviation; NaN for fewer than two measured seeds
};

Figure figure_of(std::vector<double> per_seed);

// How many seeds were measured.
int measured(const Figure& figure);

// What a paired difference says. `none`: |mean| is within the spread or within two standard errors,
// 2 spread / sqrt(n), whichever is larger. `unclear`: fewer than three measured seeds. The rule is
// rough: with three seeds, normal noise alone passes it with probability
// P(|t| > 2; 2 degrees of freedom) = 1 - 2 / sqrt(6) = 0.18.
enum class Effect { lower, higher, none, unclear };
Effect effect_of(const Figure& difference);

}  // namespace sinkwise::compare
