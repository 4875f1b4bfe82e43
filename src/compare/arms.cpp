#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "group.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

int mechanism_rank(const std::string& mechanism) {
  return mechanism == "vanilla" ? 0 : mechanism == "sink" ? 1 : 2;
}

int balance_rank(const Balance& balance) {
  return balance.is_base() ? 0 : balance.is_control() ? 2 : 1;
}

auto order_of(const Run& run) {
  return std::tuple(run.task, run.label, mechanism_rank(run.mechanism), run.mechanism,
                    balance_rank(run.balance), run.balance);
}

bool same_value(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// Two runs without balance of which one repeats the other to the last digit: twins of two arms,
// say.
bool repeats(const Run& run, const Run& other) {
  const bool pair = run.seed == other.seed && run.directory != other.directory;
  if (!run.balance.is_base() || !pair) return false;
  return std::ranges::all_of(run.figures,
                             [&](const auto& figure) {
                               return figure.first == "step_ms" ||
                                      same_value(figure.second, other.figures.at(figure.first));
                             }) &&
         std::ranges::equal(run.row_losses, other.row_losses, same_value);
}

void require_new_seed(const Arm& arm, const Run& run) {
  if (arm.runs.back().seed != run.seed) return;
  throw BadArgument({.what = "Two runs are the same arm with the same seed.",
                     .where = arm.runs.back().directory + " and " + run.directory,
                     .expected = "one run a seed of " + printable(arm_name(arm)),
                     .found = concat("seed ", run.seed, " twice"),
                     .next = "leave one out, or give one a label of its own"});
}

std::vector<Arm> grouped(std::vector<Run> runs) {
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) {
    return std::tuple(order_of(a), a.seed) < std::tuple(order_of(b), b.seed);
  });
  std::vector<Arm> arms;
  for (Run& run : runs) {
    const bool known = !arms.empty() && order_of(arms.back().runs.back()) == order_of(run);
    if (known && repeats(run, arms.back().runs.back())) continue;
    if (known)
      require_new_seed(arms.back(), run);
    else
      arms.push_back({.task = run.task,
                      .mechanism = run.mechanism,
                      .label = run.label,
                      .balance = run.balance,
                      .runs = {},
                      .figures = {},
                      .groups = {},
                      .importance_predicts_ablation = {},
                      .evaluation = {}});
    arms.back().runs.push_back(std::move(run));
  }
  return arms;
}

// Heads are ranked within their layer: layers differ in scale.
double rank_agreement(const Run& run) {
  std::vector<double> correlations;
  for (const Layer& layer : run.layers)
    correlations.push_back(spearman(layer.importance, layer.ablation));
  return mean(correlations);
}

template <typename Read>
Figure over_seeds(const Arm& arm, Read read) {
  std::vector<double> values;
  for (const Run& run : arm.runs) values.push_back(read(run));
  return figure_of(std::move(values));
}

double group_value(const Run& run, const std::string& group, const std::string& key) {
  const auto at = run.groups.find(group);
  return at == run.groups.end() ? figure_of({}).mean : at->second.at(key);
}

MetricKey key_of(const Metric& metric) { return {metric.task, metric.name}; }

template <typename Read>
Figure over_metrics(const Arm& arm, const MetricKey& key, Read read) {
  return over_seeds(arm, [&](const Run& run) {
    for (const Metric& metric : run.evaluation.metrics)
      if (key_of(metric) == key) return read(metric);
    return kNotMeasured;
  });
}

// Differences to different models have no mean.
bool held_against_one(const Arm& arm) {
  std::set<std::string> others;
  for (const Run& run : arm.runs) {
    if (!run.evaluation.metrics.empty()) others.insert(run.evaluation.facts.other);
  }
  return others.size() <= 1;
}

void summarise_evaluation(Arm& arm, const std::set<MetricKey>& left_out) {
  const bool one = held_against_one(arm);
  for (const Run& run : arm.runs) {
    for (const Metric& metric : run.evaluation.metrics) {
      const MetricKey key = key_of(metric);
      if (left_out.contains(key) || arm.evaluation.contains(key)) continue;
      arm.evaluation[key] = {
          metric.higher_is_better, metric.count,
          over_metrics(arm, key, [](const Metric& m) { return m.value; }),
          over_metrics(arm, key,
                       [&](const Metric& m) { return one ? m.value - m.other : kNotMeasured; }),
          over_metrics(arm, key, [](const Metric& m) { return m.standard_error; }).mean};
    }
  }
}

void summarise(Arm& arm) {
  for (const FigureInfo& info : kFigures)
    arm.figures[info.key] =
        over_seeds(arm, [&](const Run& run) { return run.figures.at(info.key); });
  arm.importance_predicts_ablation = over_seeds(arm, rank_agreement);
  std::set<std::string> groups;
  for (const Run& run : arm.runs)
    for (const auto& [group, unused] : run.groups) groups.insert(group);
  for (const std::string& group : groups)
    for (const char* key : {"loss", "excess"})
      arm.groups[group][key] =
          over_seeds(arm, [&](const Run& run) { return group_value(run, group, key); });
}

}  // namespace

std::vector<std::int64_t> Arm::seeds() const {
  std::vector<std::int64_t> list;
  for (const Run& run : runs) list.push_back(run.seed);
  return list;
}

std::vector<Arm> arms_of(std::vector<Run> runs) {
  std::vector<const Run*> given;
  for (const Run& run : runs) given.push_back(&run);
  const std::set<MetricKey> left_out = metrics_of_other_items(given);
  std::vector<Arm> arms = grouped(std::move(runs));
  for (Arm& arm : arms) {
    summarise(arm);
    summarise_evaluation(arm, left_out);
  }
  return arms;
}

std::set<MetricKey> metrics_of_other_items(const std::vector<const Run*>& runs) {
  std::map<MetricKey, std::set<std::pair<std::string, std::int64_t>>> items;
  for (const Run* run : runs)
    for (const Metric& metric : run->evaluation.metrics)
      items[key_of(metric)].emplace(metric.items_hash, metric.count);
  std::set<MetricKey> keys;
  for (const auto& [key, distinct] : items)
    if (distinct.size() > 1) keys.insert(key);
  return keys;
}

}  // namespace sinkwise::compare
