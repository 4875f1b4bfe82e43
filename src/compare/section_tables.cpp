#include <algorithm>
#include <functional>
#include <set>

#include "phrases.h"
#include "sections.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/format.h"

namespace sinkwise::compare {
namespace {

using report::Align;
using report::Cell;
using report::Column;
using report::Table;

Column figure_column(const FigureInfo& info) {
  const std::string unit = *info.unit == '\0' ? "" : concat(" (", info.unit, ")");
  return {info.title + unit, Align::right, info.help};
}

// A column of a table of arms; those measured in no arm are left out.
struct FigureColumn {
  Column column;
  int decimals;
  std::function<Figure(const Arm&)> figure;
};

FigureColumn column_of(const char* key) {
  const FigureInfo& info = figure_info(key);
  return {figure_column(info), info.decimals,
          [key](const Arm& arm) { return arm.figures.at(key); }};
}

FigureColumn group_column(const std::string& group) {
  return {{"excess on " + group + " (nats)", Align::right, "excess loss on rows of this kind only"},
          figure_info("excess").decimals,
          [group](const Arm& arm) {
            const auto at = arm.groups.find(group);
            return at == arm.groups.end() ? figure_of({}) : at->second.at("excess");
          }};
}

FigureColumn rank_column() {
  return {{"gate\u2013ablation rank corr.", Align::right,
           "Spearman's correlation of importance and ablation cost over the heads of a layer"},
          2,
          [](const Arm& arm) { return arm.importance_predicts_ablation; }};
}

std::vector<FigureColumn> loss_columns(const std::vector<const Arm*>& arms) {
  std::vector<FigureColumn> columns = {column_of("loss"), column_of("bits_per_byte"),
                                       column_of("excess")};
  std::set<std::string> groups;
  for (const Arm* arm : arms)
    for (const auto& [group, unused] : arm->groups) groups.insert(group);
  for (const std::string& group : groups) columns.push_back(group_column(group));
  columns.push_back(column_of("step_ms"));
  return columns;
}

std::vector<FigureColumn> head_columns() {
  std::vector<FigureColumn> columns;
  for (const char* key :
       {"cv", "mean_gate", "min_gate", "max_gate", "first_token_weight", "sink_share",
        "value_drain", "effective_heads", "effective_heads_ablation"})
    columns.push_back(column_of(key));
  columns.push_back(rank_column());
  return columns;
}

Cell arm_cell(const Arm& arm) {
  return {variant_name(arm), {}, report::Emphasis::none, balance_name(arm.balance)};
}

Table arms_table(const std::string& caption, const std::vector<const Arm*>& arms,
                 std::vector<FigureColumn> columns) {
  std::erase_if(columns, [&](const FigureColumn& column) {
    return std::none_of(arms.begin(), arms.end(),
                        [&](const Arm* arm) { return measured(column.figure(*arm)) > 0; });
  });
  Table table{caption, {{"arm"}, {"seeds", Align::right, "number of runs"}}, {}};
  for (const FigureColumn& column : columns) table.columns.push_back(column.column);
  for (const Arm* arm : arms) {
    const std::size_t runs = arm->runs.size();
    table.rows.push_back({arm_cell(*arm), {std::to_string(runs), static_cast<double>(runs)}});
    for (const FigureColumn& column : columns)
      table.rows.back().push_back(spread_cell(column.figure(*arm), column.decimals));
  }
  return table;
}

std::vector<Cell> pair_row(const Comparison& comparison, const Pair& pair) {
  const Arm& arm = comparison.arms[pair.balanced];
  const Figure& loss = pair.change.at(pair.judged_by);
  const auto better = std::count_if(loss.per_seed.begin(), loss.per_seed.end(),
                                    [](double value) { return value < 0.0; });
  std::vector<Cell> row = {arm_cell(arm),
                           difference_cell(loss, 4),
                           number_cell(pair.row_error.mean, 4),
                           {concat(better, " of ", measured(loss)), static_cast<double>(better)},
                           spread_cell(pair.cv_ratio, 3),
                           {report::fixed(pair.worst_cv_ratio, 3), pair.worst_cv_ratio,
                            report::Emphasis::none, concat("seed ", pair.worst_seed)}};
  for (const char* key : {"mean_gate", "first_token_weight", "effective_heads_ablation", "step_ms"})
    row.push_back(difference_cell(pair.change.at(key), figure_info(key).decimals));
  return row;
}

Table pairs_table(const Comparison& comparison, const std::string& task) {
  Table table{
      task +
          ": balanced minus unbalanced, seed by seed; mean, with the standard deviation below it",
      {{"arm"},
       {"change of loss (nats)", Align::right, "of the excess loss where it is known"},
       {"error by row", Align::right,
        "standard error of a seed's change of loss over its held-out rows, row by row; mean of "
        "seeds"},
       {"lower in", Align::right, "seeds in which the balanced run has the lower loss"},
       {"CV ratio", Align::right, "CV with balance over CV without"},
       {"worst CV ratio", Align::right, "the largest ratio of all seeds"},
       {"change of mean gate", Align::right, ""},
       {"change of first-token weight", Align::right, ""},
       {"change of eff. heads by ablation", Align::right,
        figure_info("effective_heads_ablation").help},
       {"change of step (ms)", Align::right,
        "between separate runs: see the overhead below for a fair measurement"}},
      {}};
  for (const Pair& pair : comparison.pairs)
    if (comparison.arms[pair.balanced].task == task)
      table.rows.push_back(pair_row(comparison, pair));
  return table;
}

}  // namespace

report::Section arms_section(const Comparison& comparison) {
  report::Section section{"arms", "All arms", {}};
  section.blocks.push_back(
      report::Paragraph("Means over seeds, with the standard deviation below; final figures of "
                        "result.json. The head of a column sorts by it."));
  for (const std::string& task : tasks_of(comparison)) {
    std::vector<const Arm*> arms;
    for (const Arm& arm : comparison.arms)
      if (arm.task == task) arms.push_back(&arm);
    section.blocks.push_back(arms_table("Loss and time on " + task, arms, loss_columns(arms)));
    section.blocks.push_back(arms_table("Heads on " + task, arms, head_columns()));
  }
  return section;
}

MaybeSection pairs_section(const Comparison& comparison) {
  if (comparison.pairs.empty()) return std::nullopt;
  report::Section section{"pairs", "Paired differences", {}};
  section.blocks.push_back(
      report::Paragraph("Twins share seed, first weights and data, so that most of the noise of "
                        "seeds cancels in their difference."));
  for (const std::string& task : tasks_of(comparison))
    if (Table table = pairs_table(comparison, task); !table.rows.empty())
      section.blocks.push_back(std::move(table));
  return section;
}

}  // namespace sinkwise::compare
