#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "sinkwise/eval/item.h"

namespace sinkwise::eval {

// What one item adds to a metric: the metric is sum of sums / sum of weights.
struct Observation {
  double sum = 0.0, weight = 1.0;
};

// How a metric comes from items (docs/evaluation.md, "Formulas").
struct MetricRule {
  const char* name;
  bool higher_is_better;
  bool exponential;  // exp of the ratio
  Observation (*observe)(const ItemScore&);
};

// text: bits_per_byte, perplexity (of a token); last_word: acc, perplexity (of a word);
// choices: acc; normalised_choices: acc, acc_norm.
std::span<const MetricRule> rules_of(Kind kind);

struct Metric {
  std::string name;
  double value = 0.0;
  double standard_error = 0.0;  // NaN for fewer than two items
  bool higher_is_better = false;
};

// The ratio r and the standard error of a ratio of means over n items,
//   sqrt( n / (n - 1) * sum (sum_i - r weight_i)^2 ) / sum weight_i,
// which for weights of 1 is the sample deviation / sqrt(n) that the harness gives. For exponential
// metrics value = exp(r), and the error is multiplied by it (delta method).
Metric estimate(const MetricRule& rule, std::span<const ItemScore> items);

struct Bootstrap {
  std::int64_t resamples = 10'000;
  std::uint64_t seed = 0;
};

struct Difference {
  std::string name;
  double ours = 0.0, theirs = 0.0;
  // of ours - theirs, 2.5 % and 97.5 % quantiles of the resamples; NaN for fewer than two items
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
};

// Ours minus theirs over the same items, one entry a metric. Each resample draws n items with
// replacement and takes both metrics over the items it drew (Efron and Tibshirani 1993, percentile
// interval). The draws depend on (seed, resample, n) alone. BadArgument when the two are not as
// many items, or none.
std::vector<Difference> differences(Kind kind, std::span<const ItemScore> ours,
                                    std::span<const ItemScore> theirs, const Bootstrap& bootstrap);

}  // namespace sinkwise::eval
