#pragma once

#include <cstdint>

// Where a figure of a head gets a name. Every room that counts heads uses these.
namespace sinkwise {

// Mean weight on one column, the first or another, above which a head has a sink there
// (arXiv 2410.10781, for the first column).
inline constexpr double kSinkWeight = 0.3;

// Mean gates; conventions of ours. Below the first a head is closed and the balance loss cannot
// open it; above the second it is open, as pinned heads are.
inline constexpr double kClosedGate = 0.02;
inline constexpr double kOpenGate = 0.9;

// m, the most important heads of a layer of H that stay out of the balance where nothing else is
// said; ours.
inline constexpr std::int64_t quarter_of_heads(std::int64_t heads) {
  return heads < 6 ? 1 : (heads + 2) / 4;
}

// Rise of the mean gate of the routed heads that is called a drift to open gates; ours.
inline constexpr double kGateDrift = 0.1;

}  // namespace sinkwise
