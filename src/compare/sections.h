#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sinkwise/compare/comparison.h"
#include "sinkwise/report/document.h"

// The page, one function a section. A section whose figures were measured in no run is left out.
namespace sinkwise::compare {

using MaybeSection = std::optional<report::Section>;

report::Section answers_section(const Comparison& comparison);
report::Section arms_section(const Comparison& comparison);
MaybeSection pairs_section(const Comparison& comparison);
MaybeSection curves_section(const Comparison& comparison);
MaybeSection heads_section(const Comparison& comparison);
MaybeSection gates_section(const Comparison& comparison);
MaybeSection sinks_section(const Comparison& comparison);
MaybeSection groups_section(const Comparison& comparison);
MaybeSection evaluation_section(const Comparison& comparison);
report::Section overhead_section(const Comparison& comparison);
report::Section limits_section(const Comparison& comparison);
report::Section repeat_section(const Comparison& comparison, const std::string& command);

// Arms that differ by nothing but the balance: one small chart each, one line or bar an arm.
struct Variant {
  std::string task;
  std::string name;  // mechanism and label
  std::vector<const Arm*> arms;
};
std::vector<Variant> variants_of(const Comparison& comparison);

// The tone of a balance setting, the same in all charts of the page.
report::Tone tone_of(const Comparison& comparison, const Balance& balance);

// Least widths in pixels: four small or two wide charts stand side by side on a wide screen.
inline constexpr int kSmallChart = 235, kWideChart = 440;

// Gives bar charts one scale, from zero (or the lowest end below it) to the highest end of an error
// bar.
void share_bar_scale(std::vector<report::Chart>& charts);

// Charts of one task as a grid, led by the task's name when there is more than one. Nothing for no
// chart.
void add_grid(report::Section& section, const Comparison& comparison, const std::string& task,
              std::vector<report::Chart> charts, int minimum_width);

}  // namespace sinkwise::compare
