#include <algorithm>
#include <cmath>

#include "before_after_parts.h"
#include "phrases.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/format.h"

namespace sinkwise::compare {
namespace {

using report::Align;
using report::Cell;

constexpr double kErrors = 2.0;  // standard errors that a difference must pass

const Metric* find_metric(const std::vector<Metric>& metrics, const Metric& like) {
  const auto found = std::ranges::find_if(metrics, [&](const Metric& metric) {
    return metric.task == like.task && metric.name == like.name;
  });
  return found == metrics.end() ? nullptr : &*found;
}

Outcome outcome_of(const ChangedMetric& metric, bool higher_is_better) {
  const double difference = metric.value.difference();
  if (!metric.same_items) return Outcome::unclear;
  if (!std::isfinite(difference) || !std::isfinite(metric.standard_error)) return Outcome::unclear;
  if (std::abs(difference) <= kErrors * metric.standard_error) return Outcome::none;
  return (difference > 0.0) == higher_is_better ? Outcome::better : Outcome::worse;
}

ChangedMetric changed_metric(const Metric& before, const Metric& after) {
  ChangedMetric metric{before.task,
                       before.kind,
                       before.name,
                       before.count,
                       after.count,
                       {before.value, after.value},
                       std::hypot(before.standard_error, after.standard_error),
                       before.count == after.count && before.items_hash == after.items_hash};
  metric.outcome = outcome_of(metric, before.higher_is_better);
  return metric;
}

std::string name_of(const Metric& metric) { return concat(metric.task, ", ", metric.name); }

std::vector<Cell> metric_row(const ChangedMetric& metric) {
  const double difference = metric.value.difference();
  std::string items = metric.count_before == metric.count_after
                          ? concat(metric.count_after)
                          : concat(metric.count_before, " \u2192 ", metric.count_after);
  if (!metric.same_items) items += ", others";
  return {{metric.task, {}, report::Emphasis::none, metric.kind},
          {metric.name},
          {items, static_cast<double>(metric.count_after)},
          number_cell(metric.value.before, 4),
          number_cell(metric.value.after, 4),
          {report::with_sign(difference, 4), difference},
          number_cell(metric.standard_error, 4),
          {outcome_word(metric.outcome)}};
}

// What the items of both evaluations mean for the differences.
std::string about_items(const BeforeAfter& change) {
  const auto others = std::ranges::count(change.metrics, false, &ChangedMetric::same_items);
  if (others > 0)
    return concat(others, " of ", change.metrics.size(),
                  " measures are of other items before than after, so that nothing can be decided "
                  "there: evaluate both models on the same files with the same options.");
  return "Both models answered the same items, so the true error is usually smaller, and a "
         "difference that is not found may be there.";
}

}  // namespace

std::string outcome_word(Outcome outcome) {
  switch (outcome) {
    case Outcome::better:
      return "better";
    case Outcome::worse:
      return "worse";
    case Outcome::none:
      return "none found";
    case Outcome::unclear:
      break;
  }
  return "undecided";
}

void change_metrics(BeforeAfter& change) {
  for (const Metric& before : change.before.metrics) {
    const Metric* after = find_metric(change.after.metrics, before);
    const bool comparable = after != nullptr && after->higher_is_better == before.higher_is_better;
    if (comparable) {
      change.metrics.push_back(changed_metric(before, *after));
    } else {
      change.unmatched_metrics.push_back(
          name_of(before) + (after == nullptr ? " (before only)" : " (two directions)"));
    }
  }
  for (const Metric& after : change.after.metrics)
    if (find_metric(change.before.metrics, after) == nullptr)
      change.unmatched_metrics.push_back(name_of(after) + " (after only)");
}

std::optional<report::Section> evaluation_section(const BeforeAfter& change) {
  if (change.before.metrics.empty() && change.after.metrics.empty()) return std::nullopt;
  report::Section section{"evaluation", "What the models can do", {}};
  section.blocks.push_back(report::Paragraph(
      "From evaluation.json of both folders. The error of a difference is taken as if the two "
      "errors were independent. A difference counts when it is larger than two such errors; of "
      "many metrics, one in twenty passes by chance. " +
      about_items(change)));
  report::Table table{"Tasks before and after",
                      {{"task"},
                       {"metric"},
                       {"items", Align::right},
                       {"before", Align::right},
                       {"after", Align::right},
                       {"difference", Align::right, "after less before"},
                       {"\u00b1", Align::right, "standard error of the difference"},
                       {"change", Align::left, "better or worse: beyond two standard errors"}},
                      {}};
  for (const ChangedMetric& metric : change.metrics) table.rows.push_back(metric_row(metric));
  if (!table.rows.empty()) section.blocks.push_back(std::move(table));
  if (!change.unmatched_metrics.empty())
    section.blocks.push_back(
        report::Paragraph("Not compared: " + join(change.unmatched_metrics) + "."));
  return section;
}

}  // namespace sinkwise::compare
