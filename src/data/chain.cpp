#include "chain.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "streams.h"

namespace sinkwise::data {
namespace {

void normalise(std::span<double> weights) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight /= sum;
}

std::vector<double> base_law(std::int64_t symbols) {
  std::vector<double> law;
  for (std::int64_t i = 1; i <= symbols; ++i) law.push_back(1.0 / static_cast<double>(i));
  normalise(law);
  return law;
}

// (pi + pi P) / 2: the same fixed point as pi P, and no chain makes it oscillate.
std::vector<double> lazy_step(const std::vector<double>& law, std::span<const double> transition) {
  const std::size_t symbols = law.size();
  std::vector<double> next(symbols, 0.0);
  for (std::size_t x = 0; x < symbols; ++x) {
    for (std::size_t y = 0; y < symbols; ++y) next[y] += law[x] * transition[x * symbols + y];
  }
  for (std::size_t y = 0; y < symbols; ++y) next[y] = 0.5 * (next[y] + law[y]);
  return next;
}

}  // namespace

std::vector<double> random_transition(std::int64_t symbols, std::uint64_t seed) {
  const std::vector<double> base = base_law(symbols);
  const auto size = static_cast<std::size_t>(symbols);
  std::vector<double> transition(size * size);
  for (std::size_t x = 0; x < size; ++x) {
    RandomStream stream(seed, {kChain, x});
    const std::span<double> row(transition.data() + x * size, size);
    for (std::size_t y = 0; y < size; ++y) {
      row[y] = stream.gamma(base[y] * 0.15 * static_cast<double>(symbols) + 1e-3);
    }
    normalise(row);
  }
  return transition;
}

std::vector<double> stationary_law(std::span<const double> transition, std::int64_t symbols) {
  std::vector<double> law(static_cast<std::size_t>(symbols), 1.0 / static_cast<double>(symbols));
  for (int i = 0; i < 10'000; ++i) {
    std::vector<double> next = lazy_step(law, transition);
    double change = 0.0;
    for (std::size_t x = 0; x < law.size(); ++x) change += std::abs(next[x] - law[x]);
    law = std::move(next);
    if (change < 1e-14) break;
  }
  normalise(law);
  return law;
}

std::vector<std::int32_t> most_probable(std::span<const double> law, std::int64_t count) {
  std::vector<std::int32_t> ids(law.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto more = [&](std::int32_t a, std::int32_t b) {
    return law[static_cast<std::size_t>(a)] > law[static_cast<std::size_t>(b)];
  };
  std::stable_sort(ids.begin(), ids.end(), more);
  ids.resize(static_cast<std::size_t>(count));
  return ids;
}

std::int32_t draw(std::span<const double> law, RandomStream& stream) {
  double rest = stream.uniform();
  std::size_t last = 0;  // rounding can leave a rest beyond the last weight
  for (std::size_t id = 0; id < law.size(); ++id) {
    if (law[id] <= 0.0) continue;
    last = id;
    rest -= law[id];
    if (rest < 0.0) break;
  }
  return static_cast<std::int32_t>(last);
}

}  // namespace sinkwise::data
