#include <set>

#include "phrases.h"
#include "sections.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

using report::BarChart;
using report::BarSeries;
using report::Chart;

// Per seed, the mean over heads and layers.
Figure group_weight(const Arm& arm, const std::string& group) {
  std::vector<double> per_seed;
  for (const Run& run : arm.runs) {
    std::vector<double> heads;
    for (const Layer& layer : run.layers)
      if (const auto at = layer.first_token_weight_by_group.find(group);
          at != layer.first_token_weight_by_group.end())
        heads.insert(heads.end(), at->second.begin(), at->second.end());
    per_seed.push_back(mean(heads));
  }
  return figure_of(std::move(per_seed));
}

std::vector<std::string> weight_groups(const Variant& variant) {
  std::set<std::string> names;
  for (const Arm* arm : variant.arms)
    for (const Run& run : arm->runs)
      for (const Layer& layer : run.layers)
        for (const auto& [group, unused] : layer.first_token_weight_by_group) names.insert(group);
  return {names.begin(), names.end()};
}

void append(BarSeries& series, const Figure& figure) {
  series.values.push_back(figure.mean);
  series.errors.push_back(figure.spread);
}

Chart weight_chart(const Comparison& comparison, const Variant& variant) {
  const auto groups = weight_groups(variant);
  std::vector<BarSeries> series;
  for (const Arm* arm : variant.arms) {
    BarSeries bars{balance_name(arm->balance), tone_of(comparison, arm->balance), {}, {}};
    for (const std::string& group : groups) append(bars, group_weight(*arm, group));
    series.push_back(std::move(bars));
  }
  return {"First-token weight by kind of row, " + variant.name,
          {"kind of row"},
          {"attention on the first token"},
          "Mean over heads, layers and seeds, with the standard deviation over seeds. Layer "
          "figures of result.json.",
          BarChart{groups, std::move(series)},
          230};
}

// One category a variant, one series a balance setting of the whole page.
Chart drain_chart(const Comparison& comparison, const std::string& task) {
  std::vector<std::string> names;
  std::vector<BarSeries> series;
  const auto series_of = [&](const Balance& balance) -> BarSeries& {
    for (BarSeries& known : series)
      if (known.name == balance_name(balance)) return known;
    series.push_back({balance_name(balance), tone_of(comparison, balance), {}, {}});
    return series.back();
  };
  for (const Variant& variant : variants_of(comparison)) {
    if (variant.task != task) continue;
    for (const Arm* arm : variant.arms) {
      BarSeries& bars = series_of(arm->balance);
      bars.values.resize(names.size(), figure_of({}).mean);
      bars.errors.resize(names.size(), figure_of({}).mean);
      append(bars, arm->figures.at("value_drain"));
    }
    names.push_back(variant.name);
  }
  for (BarSeries& bars : series) {
    bars.values.resize(names.size(), figure_of({}).mean);
    bars.errors.resize(names.size(), figure_of({}).mean);
  }
  return {"Value-drain ratio",
          {"attention"},
          {"value-drain ratio"},
          "Norm of the first token's value over the mean norm: below 1 the first value is smaller "
          "than the others, as sinks in large models have it; at 1 nothing is drained. Mean and "
          "standard deviation over seeds; layer figures of result.json.",
          BarChart{names, std::move(series)},
          230};
}

bool drain_measured(const Comparison& comparison, const std::string& task) {
  for (const Arm& arm : comparison.arms)
    if (arm.task == task && measured(arm.figures.at("value_drain")) > 0) return true;
  return false;
}

}  // namespace

MaybeSection sinks_section(const Comparison& comparison) {
  report::Section section{"sinks", "The first token", {}};
  for (const std::string& task : tasks_of(comparison)) {
    std::vector<Chart> charts;
    for (const Variant& variant : variants_of(comparison))
      if (variant.task == task && !weight_groups(variant).empty())
        charts.push_back(weight_chart(comparison, variant));
    share_bar_scale(charts);
    add_grid(section, comparison, task, std::move(charts), kSmallChart);
    if (drain_measured(comparison, task))
      add_grid(section, comparison, task, {drain_chart(comparison, task)}, kWideChart);
  }
  if (section.blocks.empty()) return std::nullopt;
  return section;
}

MaybeSection groups_section(const Comparison& comparison) {
  report::Section section{"groups", "Loss by kind of row", {}};
  for (const std::string& task : tasks_of(comparison)) {
    std::vector<Chart> charts;
    for (const Variant& variant : variants_of(comparison)) {
      if (variant.task != task || variant.arms.front()->groups.empty()) continue;
      std::vector<std::string> names;
      for (const auto& [group, unused] : variant.arms.front()->groups) names.push_back(group);
      std::vector<BarSeries> series;
      for (const Arm* arm : variant.arms) {
        BarSeries bars{balance_name(arm->balance), tone_of(comparison, arm->balance), {}, {}};
        for (const std::string& name : names)
          append(bars,
                 arm->groups.contains(name) ? arm->groups.at(name).at("excess") : figure_of({}));
        series.push_back(std::move(bars));
      }
      charts.push_back({"Excess loss by kind of row, " + variant.name,
                        {"kind of row"},
                        {"excess loss (nats)"},
                        "Loss above that of the best possible predictor; mean and standard "
                        "deviation over seeds. Final figures of result.json.",
                        BarChart{names, std::move(series)},
                        230});
    }
    share_bar_scale(charts);
    add_grid(section, comparison, task, std::move(charts), kSmallChart);
  }
  if (section.blocks.empty()) return std::nullopt;
  return section;
}

}  // namespace sinkwise::compare
