#include <algorithm>
#include <functional>
#include <limits>

#include "phrases.h"
#include "sections.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/format.h"

namespace sinkwise::compare {
namespace {

using report::BarSeries;
using report::Chart;
using report::HeatMap;
using report::PointSeries;

using Heads = std::vector<double> Layer::*;

constexpr std::size_t kMostBars = 64;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> padded(std::vector<double> row, std::size_t size) {
  row.resize(size, kNan);
  return row;
}

std::size_t most_heads(const Variant& variant) {
  std::size_t heads = 0;
  for (const Arm* arm : variant.arms)
    for (const Run& run : arm->runs)
      for (const Layer& layer : run.layers) heads = std::max(heads, layer.importance.size());
  return heads;
}

// Sorted within each seed before the mean: which head is which is arbitrary between seeds.
std::vector<double> sorted_mean(const Arm& arm, std::size_t layer, std::size_t heads) {
  std::vector<std::vector<double>> by_rank(heads);
  for (const Run& run : arm.runs) {
    if (layer >= run.layers.size()) continue;
    std::vector<double> sorted = run.layers[layer].importance;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    for (std::size_t i = 0; i < sorted.size(); ++i) by_rank[i].push_back(sorted[i]);
  }
  std::vector<double> row;
  for (const auto& values : by_rank) row.push_back(mean(values));
  return row;
}

std::string row_name(const Arm& arm, std::size_t layer) {
  const std::string name = balance_name(arm.balance);
  return arm.runs.front().layers.size() == 1 ? name : concat(name, ", layer ", layer);
}

HeatMap importance_map(const Variant& variant, bool sorted) {
  const std::size_t heads = most_heads(variant);
  HeatMap map{{}, {}, {}, "importance", std::pair(0.0, 1.0)};
  for (std::size_t head = 0; head < heads; ++head)
    map.columns.push_back(sorted ? concat("#", head + 1) : concat(head));
  for (const Arm* arm : variant.arms)
    for (std::size_t layer = 0; layer < arm->runs.front().layers.size(); ++layer) {
      map.rows.push_back(row_name(*arm, layer));
      map.values.push_back(sorted ? sorted_mean(*arm, layer, heads)
                                  : padded(arm->runs.front().layers[layer].importance, heads));
    }
  return map;
}

Chart importance_chart(const Variant& variant, bool sorted) {
  HeatMap map = importance_map(variant, sorted);
  const int height = 90 + 30 * static_cast<int>(map.rows.size());
  const std::int64_t first = variant.arms.front()->runs.front().seed;
  const std::string caption =
      sorted ? concat("Heads sorted by importance within each seed, then averaged over ",
                      seeds_text(variant.arms.front()->seeds()),
                      "; which head is which is arbitrary between seeds. ")
             : concat("Heads as they are in seed ", first, ". ");
  return {concat("Importance, ", variant.name,
                 sorted ? ", sorted, all seeds" : concat(", seed ", first)),
          {sorted ? "head, from the most to the least important" : "head"},
          {""},
          caption + "Dark heads are rarely open. Layer figures of result.json.",
          std::move(map),
          height};
}

// All heads of a run in one list, layer by layer.
std::vector<double> flat(const Run& run, Heads values) {
  std::vector<double> list;
  for (const Layer& layer : run.layers)
    list.insert(list.end(), (layer.*values).begin(), (layer.*values).end());
  return list;
}

std::vector<std::string> head_names(const Run& run) {
  std::vector<std::string> names;
  for (std::size_t layer = 0; layer < run.layers.size(); ++layer)
    for (std::size_t head = 0; head < run.layers[layer].importance.size(); ++head)
      names.push_back(run.layers.size() == 1 ? concat(head) : concat(layer, ".", head));
  return names;
}

Chart head_bars(const Comparison& comparison, const Variant& variant, Heads values,
                const std::string& what, const std::string& axis, const std::string& caption) {
  const Run& first = variant.arms.front()->runs.front();
  const auto names = head_names(first);
  std::vector<BarSeries> series;
  for (const Arm* arm : variant.arms)
    series.push_back({balance_name(arm->balance), tone_of(comparison, arm->balance),
                      padded(flat(arm->runs.front(), values), names.size())});
  return {concat(what, ", ", variant.name, ", seed ", first.seed),
          {first.layers.size() == 1 ? "head" : "layer.head"},
          {axis},
          caption,
          report::BarChart{names, std::move(series)},
          220};
}

bool has_ablation(const Variant& variant) {
  return std::any_of(variant.arms.begin(), variant.arms.end(), [](const Arm* arm) {
    return !flat(arm->runs.front(), &Layer::ablation).empty();
  });
}

Chart agreement_chart(const Comparison& comparison, const Variant& variant) {
  std::vector<PointSeries> series;
  std::vector<std::string> correlations;
  for (const Arm* arm : variant.arms) {
    PointSeries points{balance_name(arm->balance), tone_of(comparison, arm->balance), {}, {}};
    for (const Run& run : arm->runs) {
      const auto x = flat(run, &Layer::importance), y = flat(run, &Layer::ablation);
      const auto names = head_names(run);
      for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
        points.x.push_back(x[i]);
        points.y.push_back(y[i]);
        points.labels.push_back(concat("seed ", run.seed, ", head ", names[i]));
      }
    }
    const Figure& figure = arm->importance_predicts_ablation;
    correlations.push_back(points.name + " " + report::plus_minus(figure.mean, figure.spread, 2));
    series.push_back(std::move(points));
  }
  return {concat("Importance against ablation cost, ", variant.name),
          {"importance (mean gate)"},
          {"ablation cost (nats)"},
          concat("One point a head and seed. Rank correlation within a layer: ", join(correlations),
                 "."),
          report::Scatter{std::move(series)},
          240};
}

std::vector<Chart> bars_of(const Comparison& comparison, const Variant& variant) {
  std::vector<Chart> charts;
  charts.push_back(head_bars(comparison, variant, &Layer::importance, "Importance", "mean gate",
                             "The gate of each head, averaged over tokens; one seed, so that bars "
                             "of one head start from the same weights."));
  if (has_ablation(variant))
    charts.push_back(head_bars(comparison, variant, &Layer::ablation, "Ablation cost",
                               "rise of loss (nats)",
                               "How far the validation loss rises when the head's output is set to "
                               "zero; the same heads as beside."));
  return charts;
}

}  // namespace

MaybeSection heads_section(const Comparison& comparison) {
  report::Section section{"heads", "Heads: used, and needed", {}};
  section.blocks.push_back(report::Paragraph(
      "Importance says how far a head's gate stands open; ablation says what the model loses "
      "without the head. They need not agree: a head that is open half of the time may do nothing, "
      "and one that wakes rarely may be the one that counts."));
  const std::size_t introduction = section.blocks.size();
  for (const std::string& task : tasks_of(comparison)) {
    std::vector<Chart> maps, bars, agreement;
    for (const Variant& variant : variants_of(comparison)) {
      const std::size_t heads = head_names(variant.arms.front()->runs.front()).size();
      if (variant.task != task || heads == 0) continue;
      maps.push_back(importance_chart(variant, /*sorted=*/false));
      maps.push_back(importance_chart(variant, /*sorted=*/true));
      if (heads <= kMostBars)
        for (Chart& chart : bars_of(comparison, variant)) bars.push_back(std::move(chart));
      if (has_ablation(variant)) agreement.push_back(agreement_chart(comparison, variant));
    }
    add_grid(section, comparison, task, std::move(maps), kWideChart);
    add_grid(section, comparison, task, std::move(bars), kWideChart);
    add_grid(section, comparison, task, std::move(agreement), kSmallChart);
  }
  if (section.blocks.size() == introduction) return std::nullopt;
  return section;
}

}  // namespace sinkwise::compare
