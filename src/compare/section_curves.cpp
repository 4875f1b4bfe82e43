#include <algorithm>
#include <cmath>
#include <map>

#include "phrases.h"
#include "sections.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/format.h"

namespace sinkwise::compare {
namespace {

using report::Chart;
using report::Line;

using Value = double CurvePoint::*;

// What is drawn against the step, with the key of its name and decimals.
struct Quantity {
  Value value;
  const char* key;
};

Line line_of(const Comparison& comparison, const Arm& arm, Value value) {
  std::map<std::int64_t, std::vector<double>> at;
  for (const Run& run : arm.runs)
    for (const CurvePoint& point : run.curve)
      if (std::isfinite(point.*value)) at[point.step].push_back(point.*value);
  Line line{balance_name(arm.balance), tone_of(comparison, arm.balance), {}, {}};
  for (const auto& [step, values] : at) {
    const auto [low, high] = extent(values);
    line.x.push_back(static_cast<double>(step));
    line.y.push_back(mean(values));
    line.low.push_back(low);
    line.high.push_back(high);
  }
  return line;
}

std::string title_with_unit(const FigureInfo& info) {
  return *info.unit == '\0' ? info.title : concat(info.title, " (", info.unit, ")");
}

std::string caption_of(const Variant& variant, const std::vector<Line>& lines,
                       const FigureInfo& info) {
  std::vector<std::string> ends;
  for (const Line& line : lines)
    ends.push_back(report::fixed(line.y.back(), info.decimals) + " (" + line.name + ")");
  return concat("Ends at ", join(ends), ". Mean and range over ",
                seeds_text(variant.arms.front()->seeds()), "; validation lines of log.jsonl.");
}

std::vector<Chart> charts_of(const Comparison& comparison, const std::string& task,
                             const Quantity& quantity) {
  const FigureInfo& info = figure_info(quantity.key);
  std::vector<Chart> charts;
  for (const Variant& variant : variants_of(comparison)) {
    if (variant.task != task) continue;
    std::vector<Line> lines;
    for (const Arm* arm : variant.arms)
      if (Line line = line_of(comparison, *arm, quantity.value); !line.x.empty())
        lines.push_back(std::move(line));
    if (lines.empty()) continue;
    const std::string caption = caption_of(variant, lines, info);
    charts.push_back(Chart{concat(info.title, ", ", variant.name),
                           {"step"},
                           {title_with_unit(info)},
                           caption,
                           report::LineChart{std::move(lines)},
                           210});
  }
  return charts;
}

// Lowest and highest end of all bands.
std::pair<double, double> extent_of(const std::vector<Chart>& charts) {
  std::vector<double> ends;
  for (const Chart& chart : charts)
    for (const Line& line : std::get<report::LineChart>(chart.data).lines) {
      ends.insert(ends.end(), line.low.begin(), line.low.end());
      ends.insert(ends.end(), line.high.begin(), line.high.end());
    }
  return extent(ends);
}

// One scale for the charts of a row: from zero, or logarithmic for a loss that falls by orders of
// magnitude.
void share_scale(std::vector<Chart>& charts, const Quantity& quantity) {
  const auto [low, high] = extent_of(charts);
  const bool is_loss = quantity.value == &CurvePoint::loss ||
                       quantity.value == &CurvePoint::bits_per_byte ||
                       quantity.value == &CurvePoint::excess;
  const bool logarithmic = is_loss && low > 0.0 && high > 10.0 * low;
  for (Chart& chart : charts) {
    chart.y.logarithmic = logarithmic;
    if (logarithmic)
      chart.y.range = {{low / 1.2, high * 1.2}};
    else if (!is_loss)
      chart.y.range = {{0.0, high * 1.05}};
  }
}

Quantity loss_quantity(const Comparison& comparison, const std::string& task) {
  Quantity best{&CurvePoint::loss, "loss"};
  for (const Arm& arm : comparison.arms) {
    if (arm.task != task || arm.runs.front().curve.empty()) continue;
    const CurvePoint& last = arm.runs.front().curve.back();
    if (std::isfinite(last.bits_per_byte)) best = {&CurvePoint::bits_per_byte, "bits_per_byte"};
    if (std::isfinite(last.excess)) best = {&CurvePoint::excess, "excess"};
  }
  return best;
}

}  // namespace

MaybeSection curves_section(const Comparison& comparison) {
  report::Section section{"curves", "During training", {}};
  section.blocks.push_back(report::Paragraph(
      "One chart an attention mechanism, one colour a balance setting. Lines are means over seeds, "
      "bands run from the lowest to the highest seed; the charts of a row share their scale."));
  const std::size_t introduction = section.blocks.size();
  for (const std::string& task : tasks_of(comparison))
    for (const Quantity& quantity :
         {loss_quantity(comparison, task), Quantity{&CurvePoint::cv, "cv"},
          Quantity{&CurvePoint::mean_gate, "mean_gate"},
          Quantity{&CurvePoint::first_token_weight, "first_token_weight"}}) {
      std::vector<Chart> charts = charts_of(comparison, task, quantity);
      if (!charts.empty()) share_scale(charts, quantity);
      add_grid(section, comparison, task, std::move(charts), kSmallChart);
    }
  if (section.blocks.size() == introduction) return std::nullopt;
  return section;
}

}  // namespace sinkwise::compare
