#pragma once

#include <utility>
#include <vector>

namespace sinkwise {

// Values that are not finite were not measured; every function here leaves them out, and answers
// NaN when too few are left.

// Arithmetic mean of at least one value.
double mean(const std::vector<double>& values);

// Sample standard deviation, divided by n - 1, of at least two values.
double sample_deviation(const std::vector<double>& values);

// The middle value, or the mean of the two middle ones, of at least one value.
double median(const std::vector<double>& values);

// Smallest and largest value.
std::pair<double, double> extent(const std::vector<double>& values);

// Spearman's rank correlation: Pearson's of the ranks, ties at their mean rank. A pair with a
// missing half is left out. NaN for fewer than three pairs or when either side is constant.
double spearman(const std::vector<double>& x, const std::vector<double>& y);

}  // namespace sinkwise
