#include <algorithm>

#include "phrases.h"
#include "sections.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/format.h"

namespace sinkwise::compare {
namespace {

using report::Align;
using report::Bullets;
using report::Cell;
using report::Paragraph;
using report::Section;

double percent(double ratio) { return 100.0 * (ratio - 1.0); }

std::vector<Cell> overhead_row(const Overhead& row) {
  const auto cell = [](double value, int decimals) {
    return Cell{report::fixed(value, decimals), value};
  };
  return {{mechanism_name(row.mechanism), {}, report::Emphasis::none, row.task},
          cell(row.base_ms, 2),
          cell(row.balanced_ms, 2),
          {report::with_sign(percent(row.ratio), 1) + " %", percent(row.ratio)},
          {concat(report::with_sign(percent(row.lower_quartile), 1), " to ",
                  report::with_sign(percent(row.upper_quartile), 1), " %"),
           percent(row.lower_quartile)},
          {concat(row.pairs), static_cast<double>(row.pairs)}};
}

report::Table overhead_table(const Comparison& comparison) {
  report::Table table{
      "Time of a training step without and with the balance loss",
      {{"attention"},
       {"without (ms)", Align::right, "median time of a step without the balance loss"},
       {"with (ms)", Align::right, "median time of a step with it"},
       {"overhead", Align::right, "median over pairs of the ratio, less one"},
       {"quartiles", Align::right, "the middle half of the pairs"},
       {"pairs", Align::right, "steps measured alternately in one process"}},
      {}};
  for (const Overhead& row : comparison.overhead) table.rows.push_back(overhead_row(row));
  return table;
}

bool any_arm(const Comparison& comparison, bool (*test)(const Arm&)) {
  return std::any_of(comparison.arms.begin(), comparison.arms.end(), test);
}

std::size_t most_seeds(const Comparison& comparison) {
  std::size_t most = 0;
  for (const Arm& arm : comparison.arms) most = std::max(most, arm.runs.size());
  return most;
}

std::vector<std::string> limits(const Comparison& comparison) {
  std::vector<std::string> list = {
      "A low gate is no proof of a useless head: a head may sleep on most tokens and still do what "
      "no other does. Only ablation says what the model loses, and only for one head at a time.",
      "The CV also falls when every gate opens. A low CV next to a high mean gate shows open "
      "gates, not shared work.",
      concat(
          most_seeds(comparison) == 1 ? "One seed has no spread at all"
                                      : concat("The spread over ", most_seeds(comparison),
                                               " seeds is a spread, not a confidence interval"),
          "; an effect smaller than it may be there unseen, and \"none found\" means just that."),
      "The rule for an effect is rough. With three seeds, chance alone passes it in about one "
      "comparison of five, and many comparisons stand on this page: repeat on fresh seeds what "
      "matters.",
      "These models and tasks are small. Nothing here says how large language models behave."};
  if (any_arm(comparison, [](const Arm& arm) { return arm.mechanism == "vanilla"; }))
    list.push_back(
        "In plain attention the gate is the attention that does not go to the first token. It is a "
        "true gate only if that token's value is near zero: see its value-drain ratio.");
  if (any_arm(comparison, [](const Arm& arm) { return arm.mechanism == "sink"; }))
    list.push_back(
        "With a learned sink the result depends on the first value of the sink logit; only the one "
        "in the recipe was run.");
  if (!comparison.overhead.empty())
    list.push_back(
        "The overhead holds for this machine, these sizes and this attention code, and not for "
        "fused kernels on large models.");
  return list;
}

}  // namespace

Section overhead_section(const Comparison& comparison) {
  Section section{"overhead", "What the balance loss costs", {}};
  if (comparison.overhead.empty()) {
    section.blocks.push_back(
        Paragraph("The overhead was not measured with these runs. Step times of separate runs, as "
                  "in the table of arms, are no fair comparison: the machine may have been busy "
                  "with something else."));
    return section;
  }
  section.blocks.push_back(
      Paragraph("Steps with and without the balance loss were timed in turn in one process, so "
                "that both saw the same machine."));
  section.blocks.push_back(overhead_table(comparison));
  return section;
}

Section limits_section(const Comparison& comparison) {
  Section section{"limits", "What this does not show", {}};
  Bullets bullets;
  for (const std::string& limit : limits(comparison)) bullets.items.emplace_back(limit);
  section.blocks.push_back(bullets);
  return section;
}

Section repeat_section(const Comparison& comparison, const std::string& command) {
  Section section{"repeat", "How to repeat it", {}};
  section.blocks.push_back(report::Code{command});
  std::string directories;
  for (const Arm& arm : comparison.arms)
    for (const Run& run : arm.runs) directories += run.directory + "\n";
  section.blocks.push_back(Paragraph("The runs on this page, in the order of its tables:"));
  section.blocks.push_back(report::Code{directories});
  return section;
}

}  // namespace sinkwise::compare
