#include "sinkwise/eval/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "sinkwise/core/error.h"
#include "sinkwise/core/random.h"
#include "sinkwise/core/text.h"

namespace sinkwise::eval {
namespace {

constexpr std::uint64_t kStream = 0x626F6F74;  // "boot"

double total(const std::vector<RowScore>& rows) {
  double sum = 0.0;
  for (const RowScore& row : rows) sum += row.log_likelihood;
  return sum;
}

double tokens_of(const ItemScore& item) {
  return static_cast<double>(
      std::accumulate(item.tokens.begin(), item.tokens.end(), std::int64_t{0}));
}

// 1 when the row of the label has the largest score, the first of equals.
template <typename Score>
Observation right(const ItemScore& item, Score score) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < item.rows.size(); ++i) {
    if (score(i) > score(best)) best = i;
  }
  return {best == item.facts.label ? 1.0 : 0.0};
}

Observation likeliest(const ItemScore& item) {
  return right(item, [&](std::size_t i) { return item.rows[i].log_likelihood; });
}

// An empty choice divides by zero, and minus infinity never wins: as in the harness.
Observation likeliest_by_length(const ItemScore& item) {
  return right(item, [&](std::size_t i) {
    return item.rows[i].log_likelihood / static_cast<double>(item.facts.lengths[i]);
  });
}

Observation greedy(const ItemScore& item) { return {item.rows.front().greedy ? 1.0 : 0.0}; }

Observation nats_a_word(const ItemScore& item) { return {-total(item.rows)}; }

Observation nats_a_token(const ItemScore& item) { return {-total(item.rows), tokens_of(item)}; }

Observation bits_a_byte(const ItemScore& item) {
  return {-total(item.rows) / std::numbers::ln2, static_cast<double>(item.facts.lengths.front())};
}

constexpr MetricRule kText[] = {{"bits_per_byte", false, false, bits_a_byte},
                                {"perplexity", false, true, nats_a_token}};
constexpr MetricRule kLastWord[] = {{"acc", true, false, greedy},
                                    {"perplexity", false, true, nats_a_word}};
constexpr MetricRule kChoices[] = {{"acc", true, false, likeliest},
                                   {"acc_norm", true, false, likeliest_by_length}};

double value_of(const MetricRule& rule, double sum, double weight) {
  return rule.exponential ? std::exp(sum / weight) : sum / weight;
}

std::vector<Observation> observe(const MetricRule& rule, std::span<const ItemScore> items) {
  std::vector<Observation> observations;
  for (const ItemScore& item : items) observations.push_back(rule.observe(item));
  return observations;
}

Observation sum_of(const std::vector<Observation>& observations) {
  Observation sum{0.0, 0.0};
  for (const Observation& one : observations) sum.sum += one.sum, sum.weight += one.weight;
  return sum;
}

// One metric of both evaluations, item by item, and its differences over resamples.
struct Paired {
  const MetricRule* rule;
  std::vector<Observation> ours, theirs;
  std::vector<double> resampled;
};

// Numbers of the items that a resample drew.
std::vector<std::size_t> draw(std::size_t n, const Bootstrap& bootstrap, std::int64_t resample) {
  RandomStream random(bootstrap.seed, {kStream, static_cast<std::uint64_t>(resample)});
  std::vector<std::size_t> drawn(n);
  for (std::size_t& one : drawn) one = static_cast<std::size_t>(random.below(n));
  return drawn;
}

double difference_over(const Paired& pair, const std::vector<std::size_t>& drawn) {
  Observation ours{0.0, 0.0}, theirs{0.0, 0.0};
  for (const std::size_t i : drawn) {
    ours.sum += pair.ours[i].sum, ours.weight += pair.ours[i].weight;
    theirs.sum += pair.theirs[i].sum, theirs.weight += pair.theirs[i].weight;
  }
  return value_of(*pair.rule, ours.sum, ours.weight) -
         value_of(*pair.rule, theirs.sum, theirs.weight);
}

// An interval says nothing of one item: every resample is that item again.
constexpr std::size_t kFewestItems = 2;

// Linear between order statistics (type 7 of Hyndman and Fan, NumPy's default).
double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], at - static_cast<double>(below));
}

Difference difference_of(Paired& pair) {
  std::sort(pair.resampled.begin(), pair.resampled.end());
  const Observation ours = sum_of(pair.ours), theirs = sum_of(pair.theirs);
  Difference result{pair.rule->name, value_of(*pair.rule, ours.sum, ours.weight),
                    value_of(*pair.rule, theirs.sum, theirs.weight)};
  if (pair.ours.size() < kFewestItems) return result;
  result.low = quantile(pair.resampled, 0.025);
  result.high = quantile(pair.resampled, 0.975);
  return result;
}

}  // namespace

std::span<const MetricRule> rules_of(Kind kind) {
  const std::span<const MetricRule> choices = kChoices;
  switch (kind) {
    case Kind::text:
      return kText;
    case Kind::last_word:
      return kLastWord;
    case Kind::choices:
      return choices.first(1);
    case Kind::normalised_choices:
      return choices;
  }
  return {};
}

Metric estimate(const MetricRule& rule, std::span<const ItemScore> items) {
  const std::vector<Observation> observations = observe(rule, items);
  const Observation sum = sum_of(observations);
  const double ratio = sum.sum / sum.weight, n = static_cast<double>(items.size());
  double squares = 0.0;
  for (const Observation& one : observations) squares += std::pow(one.sum - ratio * one.weight, 2);
  const double error = items.size() < 2 ? std::numeric_limits<double>::quiet_NaN()
                                        : std::sqrt(n / (n - 1.0) * squares) / sum.weight;
  const double value = value_of(rule, sum.sum, sum.weight);
  return {rule.name, value, rule.exponential ? value * error : error, rule.higher_is_better};
}

std::vector<Difference> differences(Kind kind, std::span<const ItemScore> ours,
                                    std::span<const ItemScore> theirs, const Bootstrap& bootstrap) {
  if (ours.empty() || ours.size() != theirs.size()) {
    throw BadArgument({"a paired comparison needs the same items on both sides", "differences",
                       "as many items, at least one", concat(ours.size(), " and ", theirs.size()),
                       ""});
  }
  std::vector<Paired> pairs;
  for (const MetricRule& rule : rules_of(kind)) {
    pairs.push_back({&rule, observe(rule, ours), observe(rule, theirs), {}});
  }
  for (std::int64_t resample = 0; resample < bootstrap.resamples; ++resample) {
    const auto drawn = draw(ours.size(), bootstrap, resample);
    for (Paired& pair : pairs) pair.resampled.push_back(difference_over(pair, drawn));
  }
  std::vector<Difference> result;
  for (Paired& pair : pairs) result.push_back(difference_of(pair));
  return result;
}

}  // namespace sinkwise::eval
