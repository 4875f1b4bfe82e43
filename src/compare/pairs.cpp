#include <algorithm>
#include <cmath>

#include "group.h"

namespace sinkwise::compare {
namespace {

// The values of one arm's figure on the given seeds.
std::vector<double> on_seeds(const Arm& arm, const Figure& figure,
                             const std::vector<std::int64_t>& seeds) {
  std::vector<double> values;
  for (const std::int64_t seed : seeds)
    for (std::size_t i = 0; i < arm.runs.size(); ++i)
      if (arm.runs[i].seed == seed) values.push_back(figure.per_seed[i]);
  return values;
}

std::vector<std::int64_t> common_seeds(const Arm& base, const Arm& balanced) {
  std::vector<std::int64_t> seeds;
  for (const Run& a : base.runs)
    for (const Run& b : balanced.runs)
      if (a.seed == b.seed) seeds.push_back(a.seed);
  return seeds;
}

template <typename Combine>
Figure paired(const Pair& pair, const std::vector<Arm>& arms, const Figure& base,
              const Figure& balanced, Combine combine) {
  std::vector<double> a = on_seeds(arms[pair.base], base, pair.seeds);
  const std::vector<double> b = on_seeds(arms[pair.balanced], balanced, pair.seeds);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = combine(a[i], b[i]);
  return figure_of(std::move(a));
}

double difference(double base, double balanced) { return balanced - base; }
double ratio(double base, double balanced) { return balanced / base; }

const std::vector<double>& row_losses(const Arm& arm, std::int64_t seed) {
  return std::ranges::find(arm.runs, seed, &Run::seed)->row_losses;
}

// Differences are taken row by row, since a row that is hard is hard for both runs.
double row_error(const std::vector<double>& base, const std::vector<double>& balanced) {
  if (base.size() != balanced.size()) return figure_of({}).mean;
  std::vector<double> change;
  for (std::size_t i = 0; i < base.size(); ++i) change.push_back(balanced[i] - base[i]);
  const auto rows = std::ranges::count_if(change, [](double v) { return std::isfinite(v); });
  return sample_deviation(change) / std::sqrt(static_cast<double>(rows));
}

Figure row_errors(const Pair& pair, const std::vector<Arm>& arms) {
  std::vector<double> errors;
  for (const std::int64_t seed : pair.seeds)
    errors.push_back(
        row_error(row_losses(arms[pair.base], seed), row_losses(arms[pair.balanced], seed)));
  return figure_of(std::move(errors));
}

void find_worst(Pair& pair) {
  pair.worst_cv_ratio = figure_of({}).mean;
  for (std::size_t i = 0; i < pair.seeds.size(); ++i) {
    const double value = pair.cv_ratio.per_seed[i];
    if (!std::isfinite(value) || value <= pair.worst_cv_ratio) continue;
    pair.worst_cv_ratio = value;
    pair.worst_seed = pair.seeds[i];
  }
}

Pair pair_of(const std::vector<Arm>& arms, std::size_t base, std::size_t balanced) {
  Pair pair{.base = base,
            .balanced = balanced,
            .seeds = common_seeds(arms[base], arms[balanced]),
            .change = {},
            .excess_change = {},
            .evaluation_change = {},
            .row_error = {},
            .cv_ratio = {},
            .worst_cv_ratio = 0.0,
            .worst_seed = 0,
            .judged_by = "loss"};
  const auto figure = [&](std::size_t arm, const char* key) { return arms[arm].figures.at(key); };
  for (const FigureInfo& info : kFigures)
    pair.change[info.key] =
        paired(pair, arms, figure(base, info.key), figure(balanced, info.key), difference);
  for (const auto& [group, values] : arms[base].groups)
    if (arms[balanced].groups.contains(group))
      pair.excess_change[group] = paired(pair, arms, values.at("excess"),
                                         arms[balanced].groups.at(group).at("excess"), difference);
  for (const auto& [key, metric] : arms[base].evaluation)
    if (const auto other = arms[balanced].evaluation.find(key);
        other != arms[balanced].evaluation.end())
      pair.evaluation_change[key] =
          paired(pair, arms, metric.value, other->second.value, difference);
  pair.row_error = row_errors(pair, arms);
  pair.cv_ratio = paired(pair, arms, figure(base, "cv"), figure(balanced, "cv"), ratio);
  find_worst(pair);
  if (measured(pair.change.at("excess")) > 0) pair.judged_by = "excess";
  return pair;
}

bool are_twins(const Arm& base, const Arm& balanced) {
  return base.balance.is_base() && !balanced.balance.is_base() && base.task == balanced.task &&
         base.mechanism == balanced.mechanism && base.label == balanced.label;
}

}  // namespace

std::vector<Pair> pairs_of(const std::vector<Arm>& arms) {
  std::vector<Pair> pairs;
  for (std::size_t balanced = 0; balanced < arms.size(); ++balanced)
    for (std::size_t base = 0; base < arms.size(); ++base)
      if (are_twins(arms[base], arms[balanced]) &&
          !common_seeds(arms[base], arms[balanced]).empty())
        pairs.push_back(pair_of(arms, base, balanced));
  return pairs;
}

}  // namespace sinkwise::compare
