#include <algorithm>
#include <cmath>

#include "phrases.h"
#include "sections.h"

namespace sinkwise::compare {

std::vector<Variant> variants_of(const Comparison& comparison) {
  std::vector<Variant> variants;
  for (const Arm& arm : comparison.arms) {
    const std::string name = variant_name(arm);
    if (variants.empty() || variants.back().task != arm.task || variants.back().name != name)
      variants.push_back({arm.task, name, {}});
    variants.back().arms.push_back(&arm);
  }
  return variants;
}

// Blue without balance, orange for the open control, the other settings in the order of the arms.
report::Tone tone_of(const Comparison& comparison, const Balance& balance) {
  constexpr report::Tone kBase = 0, kControl = 4;
  constexpr report::Tone kOthers[] = {1, 2, 3, 5, 6};
  if (balance.is_base()) return kBase;
  if (balance.is_control()) return kControl;
  std::vector<Balance> others;
  for (const Arm& arm : comparison.arms)
    if (!arm.balance.is_base() && !arm.balance.is_control()) others.push_back(arm.balance);
  std::sort(others.begin(), others.end());
  others.erase(std::unique(others.begin(), others.end()), others.end());
  const auto at = std::find(others.begin(), others.end(), balance) - others.begin();
  return kOthers[static_cast<std::size_t>(at) % std::size(kOthers)];
}

void share_bar_scale(std::vector<report::Chart>& charts) {
  std::vector<double> ends = {0.0};
  for (const report::Chart& chart : charts)
    for (const report::BarSeries& bars : std::get<report::BarChart>(chart.data).series)
      for (std::size_t i = 0; i < bars.values.size(); ++i) {
        const double error = std::isfinite(bars.errors[i]) ? bars.errors[i] : 0.0;
        ends.push_back(bars.values[i] - error);
        ends.push_back(bars.values[i] + error);
      }
  const double high = extent(ends).second;
  const double low = std::min(0.0, extent(ends).first);
  if (high > low)
    for (report::Chart& chart : charts) chart.y.range = {{low * 1.05, high * 1.05}};
}

namespace {

// The title that the end of the section stands under.
std::string last_heading(const report::Section& section) {
  for (auto block = section.blocks.rbegin(); block != section.blocks.rend(); ++block)
    if (const auto* heading = std::get_if<report::Heading>(&*block)) return heading->text;
  return "";
}

}  // namespace

void add_grid(report::Section& section, const Comparison& comparison, const std::string& task,
              std::vector<report::Chart> charts, int minimum_width) {
  if (charts.empty()) return;
  if (tasks_of(comparison).size() > 1 && last_heading(section) != task)
    section.blocks.push_back(report::Heading{task});
  section.blocks.push_back(report::Grid{std::move(charts), true, minimum_width});
}

}  // namespace sinkwise::compare
