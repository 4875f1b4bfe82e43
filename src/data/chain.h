#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sinkwise/core/random.h"

namespace sinkwise::data {

// [V, V] transition rows P_x ~ Dirichlet(0.15 V base + 1e-3) with base_i ~ 1/i.
std::vector<double> random_transition(std::int64_t symbols, std::uint64_t seed);

// [V] the law pi = pi P, by power iteration from the even law.
std::vector<double> stationary_law(std::span<const double> transition, std::int64_t symbols);

// The ids of the `count` largest weights, largest first; ties go to the smaller id.
std::vector<std::int32_t> most_probable(std::span<const double> law, std::int64_t count);

// A draw from weights that sum to about 1; never an id of weight 0.
std::int32_t draw(std::span<const double> law, RandomStream& stream);

}  // namespace sinkwise::data
