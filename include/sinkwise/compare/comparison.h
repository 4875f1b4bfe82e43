#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sinkwise/compare/run.h"
#include "sinkwise/compare/statistics.h"
#include "sinkwise/report/document.h"

namespace sinkwise::compare {

// The figures of a run, in the order of tables: the key in result.json and report.json, what a
// person calls it, and how many decimals carry meaning.
struct FigureInfo {
  const char* key;
  const char* title;
  const char* unit;  // empty for a pure number
  int decimals;
  const char* help;
};
extern const std::array<FigureInfo, 13> kFigures;
const FigureInfo& figure_info(const std::string& key);

// A metric of a task: their names.
using MetricKey = std::pair<std::string, std::string>;

// A metric of the evaluations of an arm's runs, seed by seed.
struct EvaluatedMetric {
  bool higher_is_better = true;
  std::int64_t count = 0;  // items
  Figure value;
  Figure change;                         // less that of the model that the runs were held against
  double standard_error = kNotMeasured;  // of one run's value, over its items; mean over runs
};

// All runs that differ by nothing but the seed.
struct Arm {
  std::string task, mechanism, label;
  Balance balance;
  std::vector<Run> runs;                                        // by ascending seed
  std::map<std::string, Figure> figures;                        // every key of kFigures
  std::map<std::string, std::map<std::string, Figure>> groups;  // group -> "loss", "excess"
  Figure importance_predicts_ablation;  // Spearman over the heads of a layer, mean over layers
  std::map<MetricKey, EvaluatedMetric> evaluation;  // of those that all evaluated runs compare in

  std::vector<std::int64_t> seeds() const;
};

// A balanced arm and its unbalanced twin: same task, mechanism and label, on the seeds that both
// have. Differences are balanced - base, seed by seed.
struct Pair {
  std::size_t base = 0, balanced = 0;  // indices into Comparison::arms
  std::vector<std::int64_t> seeds;
  std::map<std::string, Figure> change;         // key of kFigures -> difference
  std::map<std::string, Figure> excess_change;  // group -> difference of excess loss
  std::map<MetricKey, Figure> evaluation_change;
  // Standard error of the change of a seed's loss, over its held-out rows: both runs saw the same.
  Figure row_error;
  Figure cv_ratio;              // balanced CV / base CV
  double worst_cv_ratio = 0.0;  // the largest of them; NaN without any
  std::int64_t worst_seed = 0;  // its seed
  std::string judged_by;        // "excess" when measured, else "loss"
};

// One question put to all arms, with the rule that turns numbers into a status.
struct Question {
  std::string id;
  report::Verdicts verdicts;
};

struct Comparison {
  std::vector<Arm> arms;
  std::vector<Pair> pairs;
  std::vector<Question> questions;
  std::vector<Overhead> overhead;
  std::vector<std::string> cautions;  // what makes these runs harder to compare than they look
  std::vector<std::pair<std::string, std::string>> provenance;
};

// Groups runs into arms, pairs balanced with unbalanced arms and judges. BadArgument without a run,
// or when two runs are the same arm and seed.
Comparison compare(std::vector<Run> runs, std::vector<Overhead> overhead = {});

// "gated (headwise)", "CV balance \u03bb = 0.01", "vanilla \u00b7 no_bos": for tables and legends.
std::string mechanism_name(const std::string& mechanism);
const std::map<std::string, std::string>& balance_form_names();  // all forms: "cv" -> "CV balance"
std::string balance_name(const Balance& balance);
std::string variant_name(const Arm& arm);  // mechanism and label
std::string arm_name(const Arm& arm);      // variant and balance

}  // namespace sinkwise::compare
