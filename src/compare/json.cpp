#include <cmath>
#include <nlohmann/json.hpp>

#include "sinkwise/compare/output.h"

namespace sinkwise::compare {
namespace {

using nlohmann::json;

json number(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json figure_json(const Figure& figure) {
  json per_seed = json::array();
  for (const double value : figure.per_seed) per_seed.push_back(number(value));
  return {{"per_seed", per_seed}, {"mean", number(figure.mean)}, {"spread", number(figure.spread)}};
}

json figures_json(const std::map<std::string, Figure>& figures) {
  json object = json::object();
  for (const auto& [key, figure] : figures) object[key] = figure_json(figure);
  return object;
}

json evaluation_json(const Arm& arm) {
  json list = json::array();
  for (const auto& [key, metric] : arm.evaluation)
    list.push_back({{"task", key.first},
                    {"name", key.second},
                    {"count", metric.count},
                    {"higher_is_better", metric.higher_is_better},
                    {"standard_error", number(metric.standard_error)},
                    {"value", figure_json(metric.value)},
                    {"change", figure_json(metric.change)}});
  return list;
}

json evaluation_json(const Pair& pair) {
  json list = json::array();
  for (const auto& [key, change] : pair.evaluation_change)
    list.push_back({{"task", key.first}, {"name", key.second}, {"change", figure_json(change)}});
  return list;
}

json balance_json(const Balance& balance) {
  return {
      {"form", balance.form}, {"lambda", balance.lambda}, {"shared_heads", balance.shared_heads}};
}

json directories_json(const Arm& arm) {
  json list = json::array();
  for (const Run& run : arm.runs) list.push_back(run.directory);
  return list;
}

json arm_json(const Arm& arm) {
  json groups = json::object();
  for (const auto& [group, figures] : arm.groups) groups[group] = figures_json(figures);
  return {{"task", arm.task},
          {"mechanism", arm.mechanism},
          {"label", arm.label},
          {"balance", balance_json(arm.balance)},
          {"seeds", arm.seeds()},
          {"directories", directories_json(arm)},
          {"figures", figures_json(arm.figures)},
          {"groups", groups},
          {"importance_ablation_spearman", figure_json(arm.importance_predicts_ablation)},
          {"evaluation", evaluation_json(arm)}};
}

json pair_json(const Comparison& comparison, const Pair& pair) {
  const Arm& balanced = comparison.arms[pair.balanced];
  return {{"task", balanced.task},
          {"mechanism", balanced.mechanism},
          {"label", balanced.label},
          {"balance", balance_json(balanced.balance)},
          {"control", balanced.balance.is_control()},
          {"base_arm", pair.base},
          {"balanced_arm", pair.balanced},
          {"seeds", pair.seeds},
          {"change", figures_json(pair.change)},
          {"excess_change", figures_json(pair.excess_change)},
          {"evaluation_change", evaluation_json(pair)},
          {"row_error", figure_json(pair.row_error)},
          {"cv_ratio", figure_json(pair.cv_ratio)},
          {"worst_cv_ratio", number(pair.worst_cv_ratio)},
          {"judged_by", pair.judged_by}};
}

const char* status_name(report::Status status) {
  switch (status) {
    case report::Status::holds:
      return "holds";
    case report::Status::does_not_hold:
      return "does_not_hold";
    case report::Status::null:
      return "null";
    case report::Status::undecided:
      break;
  }
  return "undecided";
}

json verdicts_json(const Comparison& comparison) {
  json list = json::array();
  for (const Question& question : comparison.questions)
    for (const report::Verdict& verdict : question.verdicts.items)
      list.push_back({{"id", question.id},
                      {"question", question.verdicts.question},
                      {"rule", question.verdicts.rule},
                      {"claim", question.verdicts.claim},
                      {"subject", verdict.subject},
                      {"status", status_name(verdict.status)},
                      {"evidence", verdict.evidence}});
  return list;
}

json overhead_json(const Overhead& row) {
  return {{"task", row.task},
          {"mechanism", row.mechanism},
          {"base_ms", number(row.base_ms)},
          {"balanced_ms", number(row.balanced_ms)},
          {"ratio", number(row.ratio)},
          {"quartiles", {number(row.lower_quartile), number(row.upper_quartile)}},
          {"pairs", row.pairs}};
}

}  // namespace

json to_json(const Comparison& comparison) {
  json result = {{"schema", "sinkwise.report/1"}, {"arms", json::array()},
                 {"pairs", json::array()},        {"verdicts", verdicts_json(comparison)},
                 {"overhead", json::array()},     {"cautions", comparison.cautions},
                 {"provenance", json::object()}};
  for (const Arm& arm : comparison.arms) result["arms"].push_back(arm_json(arm));
  for (const Pair& pair : comparison.pairs) result["pairs"].push_back(pair_json(comparison, pair));
  for (const Overhead& row : comparison.overhead) result["overhead"].push_back(overhead_json(row));
  for (const auto& [key, value] : comparison.provenance) result["provenance"][key] = value;
  return result;
}

}  // namespace sinkwise::compare
