#include <algorithm>
#include <cmath>

#include "before_after_parts.h"
#include "phrases.h"
#include "sinkwise/core/head_limits.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/format.h"

namespace sinkwise::compare {
namespace {

using report::Align;
using report::Cell;
using report::Section;
using report::Table;

constexpr std::size_t kMostMoved = 15;
constexpr std::size_t kMostClosed = 500;

std::vector<Cell> figure_row(const ChangedFigure& figure) {
  const double difference = figure.value.difference();
  return {{figure.title, {}, report::Emphasis::none, figure.help},
          number_cell(figure.value.before, figure.decimals),
          number_cell(figure.value.after, figure.decimals),
          {report::with_sign(difference, figure.decimals), difference},
          {!std::isfinite(difference) ? "not measured"
           : figure.is_null()         ? "none"
           : difference > 0.0         ? "higher"
                                      : "lower"}};
}

Table heads_table(const std::string& caption) {
  return {caption,
          {{"head"},
           {"layer", Align::right},
           {"gate before", Align::right},
           {"gate after", Align::right},
           {"difference", Align::right},
           {"state", Align::left, "closed: below 0.02"}},
          {}};
}

std::string state_of(const ChangedHead& head) {
  const bool before = head.importance.before < kClosedGate,
             after = head.importance.after < kClosedGate;
  if (before && after) return "stayed closed";
  if (before) return "reopened";
  return after ? "closed anew" : "";
}

std::vector<Cell> head_row(const ChangedHead& head) {
  const double difference = head.importance.difference();
  return {{concat(head.layer, ".", head.head)},
          {concat(head.layer), static_cast<double>(head.layer)},
          number_cell(head.importance.before, 4),
          number_cell(head.importance.after, 4),
          {report::with_sign(difference, 4), difference},
          {state_of(head)}};
}

}  // namespace

Section figures_section(const BeforeAfter& change) {
  Section section{"figures", "The figures", {}};
  Table table{"Before and after",
              {{"figure"},
               {"before", Align::right},
               {"after", Align::right},
               {"difference", Align::right, "after less before"},
               {"change", Align::left, "none: too small to be called one"}},
              {}};
  for (const ChangedFigure& figure : change.figures) table.rows.push_back(figure_row(figure));
  section.blocks.push_back(std::move(table));
  return section;
}

Section closed_section(const BeforeAfter& change) {
  Section section{"closed", "Which heads moved", {}};
  std::vector<ChangedHead> moved = change.heads;
  std::ranges::stable_sort(moved, [](const ChangedHead& a, const ChangedHead& b) {
    return std::abs(a.importance.difference()) > std::abs(b.importance.difference());
  });
  moved.resize(std::min(moved.size(), kMostMoved));
  Table most = heads_table(concat("The ", moved.size(), " heads whose gate changed most"));
  for (const ChangedHead& head : moved) most.rows.push_back(head_row(head));
  section.blocks.push_back(std::move(most));
  std::vector<ChangedHead> closed = closed_heads(change);
  if (closed.empty()) {
    section.blocks.push_back(
        report::Paragraph("No head is closed (gate below 0.02), before or after."));
    return section;
  }
  const std::size_t all = closed.size();
  closed.resize(std::min(all, kMostClosed));
  Table table = heads_table(
      concat("Heads that are closed (gate below 0.02) before or after",
             all > closed.size() ? concat(": the first ", closed.size(), " of ", all) : ""));
  for (const ChangedHead& head : closed) table.rows.push_back(head_row(head));
  section.blocks.push_back(std::move(table));
  return section;
}

}  // namespace sinkwise::compare
