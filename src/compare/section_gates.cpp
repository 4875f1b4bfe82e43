#include "phrases.h"
#include "sections.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

using report::Chart;
using report::HistogramSeries;

// Mean of the bin shares over heads, layers and seeds.
std::vector<double> mean_shares(const Arm& arm) {
  std::vector<std::vector<double>> bins;
  for (const Run& run : arm.runs)
    for (const Layer& layer : run.layers)
      for (const auto& shares : layer.gate_histogram) {
        if (shares.size() > bins.size()) bins.resize(shares.size());
        for (std::size_t i = 0; i < shares.size(); ++i) bins[i].push_back(shares[i]);
      }
  std::vector<double> result;
  for (const auto& values : bins) result.push_back(mean(values));
  return result;
}

std::string caption_of(const Variant& variant) {
  std::vector<std::string> means;
  for (const Arm* arm : variant.arms)
    means.push_back(value_text(*arm, "mean_gate") + " (" + balance_name(arm->balance) + ")");
  return concat("Gates of all heads, layers and seeds on held-out rows; mean ", join(means),
                ". Histograms of result.json.");
}

}  // namespace

MaybeSection gates_section(const Comparison& comparison) {
  report::Section section{"gates", "How gates are spread", {}};
  section.blocks.push_back(report::Paragraph(
      "The same mean gate can come from heads that are always half open and from heads that wake "
      "for some tokens and sleep for the rest: the histogram tells them apart."));
  const std::size_t introduction = section.blocks.size();
  for (const std::string& task : tasks_of(comparison)) {
    std::vector<Chart> charts;
    for (const Variant& variant : variants_of(comparison)) {
      if (variant.task != task) continue;
      std::vector<HistogramSeries> series;
      for (const Arm* arm : variant.arms)
        if (auto shares = mean_shares(*arm); !shares.empty())
          series.push_back({balance_name(arm->balance), tone_of(comparison, arm->balance), shares});
      if (series.empty()) continue;
      charts.push_back({"Gates, " + variant.name,
                        {"gate", std::pair(0.0, 1.0)},
                        {"share of rows"},
                        caption_of(variant),
                        report::Histogram{0.0, 1.0, std::move(series)},
                        220});
    }
    add_grid(section, comparison, task, std::move(charts), kSmallChart);
  }
  if (section.blocks.size() == introduction) return std::nullopt;
  return section;
}

}  // namespace sinkwise::compare
