#include <algorithm>
#include <set>

#include "phrases.h"
#include "sections.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/format.h"

namespace sinkwise::compare {
namespace {

using report::Align;
using report::Cell;

constexpr int kDecimals = 4;

std::set<MetricKey> metrics_of(const Comparison& comparison) {
  std::set<MetricKey> keys;
  for (const Arm& arm : comparison.arms)
    for (const auto& [key, unused] : arm.evaluation) keys.insert(key);
  return keys;
}

// The difference of an arm to its twin; not measured for the twin itself, and without one.
Figure change_to_twin(const Comparison& comparison, const Arm& arm, const MetricKey& key) {
  for (const Pair& pair : comparison.pairs) {
    const auto change = pair.evaluation_change.find(key);
    if (&comparison.arms[pair.balanced] == &arm && change != pair.evaluation_change.end())
      return change->second;
  }
  return figure_of({});
}

std::vector<Cell> row_of(const Comparison& comparison, const Arm& arm, const MetricKey& key) {
  const EvaluatedMetric& metric = arm.evaluation.at(key);
  const int seeds = measured(metric.value);
  return {{placed_variant(comparison, arm), {}, report::Emphasis::none, balance_name(arm.balance)},
          {concat(seeds), static_cast<double>(seeds)},
          spread_cell(metric.value, kDecimals),
          number_cell(metric.standard_error, kDecimals),
          difference_cell(metric.change, kDecimals),
          difference_cell(change_to_twin(comparison, arm, key), kDecimals)};
}

report::Table table_of(const Comparison& comparison, const MetricKey& key) {
  std::int64_t items = 0;
  bool higher = true;
  std::vector<std::vector<Cell>> rows;
  for (const Arm& arm : comparison.arms) {
    const auto metric = arm.evaluation.find(key);
    if (metric == arm.evaluation.end()) continue;
    items = metric->second.count;
    higher = metric->second.higher_is_better;
    rows.push_back(row_of(comparison, arm, key));
  }
  return {concat(printable(key.first), ", ", key.second, " (", items, " items, ",
                 higher ? "higher" : "lower", " is better)"),
          {{"arm"},
           {"seeds", Align::right, "runs with an evaluation"},
           {"value", Align::right, "mean over seeds, with the standard deviation below it"},
           {"error by item", Align::right, "standard error of one run over its items"},
           {"less reference", Align::right,
            "difference to the model that eval --against names, where it is one for the whole arm"},
           {"less twin", Align::right, "difference to the run of the same seed without balance"}},
          std::move(rows)};
}

std::string held_against(const Comparison& comparison) {
  std::set<std::string> models;
  for (const Arm& arm : comparison.arms)
    for (const Run& run : arm.runs)
      if (!run.evaluation.facts.other.empty()) models.insert(printable(run.evaluation.facts.other));
  if (models.empty()) return "No run was held against a reference (eval --against).";
  return "Reference: " + join(std::vector<std::string>(models.begin(), models.end())) + ".";
}

}  // namespace

MaybeSection evaluation_section(const Comparison& comparison) {
  const std::set<MetricKey> keys = metrics_of(comparison);
  if (keys.empty()) return std::nullopt;
  report::Section section{"evaluation", "What the models can do", {}};
  section.blocks.push_back(report::Paragraph(
      "From evaluation/evaluation.json of the runs. Twins answered the same items, so that their "
      "difference is surer than the error of either. " +
      held_against(comparison)));
  for (const MetricKey& key : keys) section.blocks.push_back(table_of(comparison, key));
  return section;
}

}  // namespace sinkwise::compare
