#include "phrases.h"

#include "sinkwise/core/text.h"
#include "sinkwise/report/format.h"

namespace sinkwise::compare {

std::string value_text(const Arm& arm, const char* key) {
  const Figure& figure = arm.figures.at(key);
  return report::plus_minus(figure.mean, figure.spread, figure_info(key).decimals);
}

std::string change_text(const Arm& base, const Arm& balanced, const char* key) {
  return value_text(base, key) + " \u2192 " + value_text(balanced, key);
}

std::string beside_cv(const Arm& base, const Arm& balanced) {
  std::vector<std::string> parts;
  for (const char* key : {"mean_gate", "first_token_weight", "effective_heads_ablation"})
    parts.push_back(std::string(figure_info(key).title) + " " + change_text(base, balanced, key));
  return join(parts, "; ");
}

std::string difference_text(const Figure& difference, const char* key) {
  const FigureInfo& info = figure_info(key);
  std::string text = report::with_sign(difference.mean, info.decimals);
  if (measured(difference) > 1)
    text += " \u00b1 " + report::fixed(difference.spread, info.decimals);
  return *info.unit == '\0' ? text : text + " " + info.unit;
}

report::Cell number_cell(double value, int decimals) {
  return {report::fixed(value, decimals), value};
}

report::Cell spread_cell(const Figure& figure, int decimals) {
  const bool spread = measured(figure) > 1;
  return {report::fixed(figure.mean, decimals), figure.mean, report::Emphasis::none,
          spread ? "\u00b1 " + report::fixed(figure.spread, decimals) : ""};
}

report::Cell difference_cell(const Figure& figure, int decimals) {
  report::Cell cell = spread_cell(figure, decimals);
  cell.text = report::with_sign(figure.mean, decimals);
  return cell;
}

std::string seeds_text(const std::vector<std::int64_t>& seeds) {
  std::vector<std::string> parts;
  for (const std::int64_t seed : seeds) parts.push_back(std::to_string(seed));
  return (parts.size() == 1 ? "seed " : "seeds ") + join(parts);
}

std::string counted(std::size_t number, const std::string& noun) {
  return concat(number, " ", noun, number == 1 ? "" : "s");
}

std::vector<std::string> tasks_of(const Comparison& comparison) {
  std::vector<std::string> tasks;
  for (const Arm& arm : comparison.arms)
    if (tasks.empty() || tasks.back() != arm.task) tasks.push_back(arm.task);
  return tasks;
}

std::string placed_variant(const Comparison& comparison, const Arm& arm) {
  const bool several = tasks_of(comparison).size() > 1;
  return (several ? arm.task + ", " : "") + variant_name(arm);
}

std::string placed_arm(const Comparison& comparison, const Arm& arm) {
  return placed_variant(comparison, arm) + ", " + balance_name(arm.balance);
}

}  // namespace sinkwise::compare
