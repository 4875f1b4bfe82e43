#include "sinkwise/core/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace sinkwise {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> finite(const std::vector<double>& values) {
  std::vector<double> kept;
  std::copy_if(values.begin(), values.end(), std::back_inserter(kept),
               [](double value) { return std::isfinite(value); });
  return kept;
}

// 1-based ranks; equal values share the mean of the ranks they take up.
std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> result(values.size());
  for (std::size_t begin = 0, end; begin < order.size(); begin = end) {
    for (end = begin; end < order.size() && values[order[end]] == values[order[begin]];) ++end;
    const double shared = static_cast<double>(begin + 1 + end) / 2.0;
    for (std::size_t i = begin; i < end; ++i) result[order[i]] = shared;
  }
  return result;
}

double pearson(const std::vector<double>& x, const std::vector<double>& y) {
  const double mean_x = mean(x), mean_y = mean(y);
  double xy = 0.0, xx = 0.0, yy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean_x) * (y[i] - mean_y);
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
  }
  return xx > 0.0 && yy > 0.0 ? xy / std::sqrt(xx * yy) : kNan;
}

}  // namespace

double mean(const std::vector<double>& values) {
  const std::vector<double> kept = finite(values);
  if (kept.empty()) return kNan;
  return std::accumulate(kept.begin(), kept.end(), 0.0) / static_cast<double>(kept.size());
}

double median(const std::vector<double>& values) {
  std::vector<double> kept = finite(values);
  if (kept.empty()) return kNan;
  std::sort(kept.begin(), kept.end());
  const std::size_t half = kept.size() / 2;
  return kept.size() % 2 == 1 ? kept[half] : (kept[half - 1] + kept[half]) / 2.0;
}

double sample_deviation(const std::vector<double>& values) {
  const std::vector<double> kept = finite(values);
  if (kept.size() < 2) return kNan;
  const double centre = mean(kept);
  double sum = 0.0;
  for (const double value : kept) sum += (value - centre) * (value - centre);
  return std::sqrt(sum / static_cast<double>(kept.size() - 1));
}

std::pair<double, double> extent(const std::vector<double>& values) {
  const std::vector<double> kept = finite(values);
  if (kept.empty()) return {kNan, kNan};
  const auto [low, high] = std::minmax_element(kept.begin(), kept.end());
  return {*low, *high};
}

double spearman(const std::vector<double>& x, const std::vector<double>& y) {
  std::vector<double> kept_x, kept_y;
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    if (!std::isfinite(x[i]) || !std::isfinite(y[i])) continue;
    kept_x.push_back(x[i]);
    kept_y.push_back(y[i]);
  }
  return kept_x.size() < 3 ? kNan : pearson(ranks(kept_x), ranks(kept_y));
}

}  // namespace sinkwise
