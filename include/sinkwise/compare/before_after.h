#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sinkwise/compare/evaluation.h"

namespace sinkwise::compare {

// --- What the files of one model say ---

// Per-head lists have one value a query head; empty, all of them, where a layer has no softmax
// attention.
struct InspectedLayer {
  std::string kind;  // "full attention", "window of 128", "linear attention"
  double cv = kNotMeasured, mean_gate = kNotMeasured, min_gate = kNotMeasured,
         effective_heads = kNotMeasured;
  std::vector<double> importance;  // [H] mean gate, between 0 and 1, never NaN
  std::vector<double> first_token_weight, value_drain, honor;  // [H], NaN where not measured

  bool has_heads() const { return !importance.empty(); }
};

// Rise of the loss in nats a token after heads were silenced, fewest first.
struct InspectedPruning {
  std::string order;
  std::vector<double> silenced, rise;
  std::vector<double> spread;  // of random orders: sample standard deviation; else empty
};

// report.json of `sinkwise inspect` (docs/inspection_schema.md) and evaluation.json beside it.
struct Inspection {
  std::string directory;  // where the files are
  std::string path, model_type, gate;
  std::int64_t heads = 0, vocabulary = 0;  // query heads a layer
  std::vector<std::string> texts;
  std::int64_t windows = 0, length = 0;
  std::optional<std::int64_t> begin_id;  // first token of every window
  double loss = kNotMeasured, bits_per_byte = kNotMeasured,
         importance_honor_spearman = kNotMeasured;
  std::vector<InspectedLayer> layers;
  std::int64_t pruning_windows = 0;
  double rise_without_first_value = kNotMeasured;  // of the loss
  std::vector<InspectedPruning> pruning;
  std::vector<Metric> metrics;  // of evaluation.json; empty without one
  EvaluationFacts evaluation;
};

// Whether a folder holds an inspection and no finished run.
bool holds_inspection(const std::filesystem::path& folder);

// BadFile, naming file and field, when report.json is missing or no inspection, when a list does
// not have one value a head or a layer, when a gate is missing or not between 0 and 1 (a thousandth
// is left for rounding), and as load_evaluation().
Inspection load_inspection(const std::filesystem::path& folder);

// --- What changed ---

struct Change {
  double before = kNotMeasured, after = kNotMeasured;
  double difference() const { return after - before; }
};

// A figure of the whole model. A change smaller than `resolution`, a convention, is called none:
// two inspections carry no spread that could decide.
struct ChangedFigure {
  std::string key, title, help;
  int decimals = 3;
  double resolution = 0.0;
  Change value;

  bool is_null() const;  // also when either side was not measured
};

// "Shared" are the m heads of highest importance before, in both models, and "routed" all others.
struct ChangedLayer {
  Change cv, mean_gate, min_gate, effective_heads, shared_gate, routed_gate;
  Change open_share;                  // of heads whose gate is above kOpenGate
  double top_overlap = kNotMeasured;  // share of the top heads before that are top heads after
};

struct ChangedHead {
  std::int64_t layer = 0, head = 0;
  bool shared = false;
  Change importance, first_token_weight;
};

struct BeforeAfterWarning {
  std::string id;                    // "drift_to_open_gates" or "pinning"
  std::vector<std::int64_t> layers;  // where; may be empty
  std::string text, advice;
};

// better and worse: the difference is larger than two standard errors; unclear: no error is known,
// or the items are others.
enum class Outcome { better, worse, none, unclear };

struct ChangedMetric {
  std::string task, kind, name;
  std::int64_t count_before = 0, count_after = 0;
  Change value;
  double standard_error =
      kNotMeasured;  // of the difference, as if the errors of both were independent
  bool same_items = true;
  Outcome outcome = Outcome::unclear;
};

struct BeforeAfter {
  Inspection before, after;
  std::int64_t shared_heads = 0;  // m
  std::int64_t top_heads = 0;     // of a layer, whose order is followed: m, or a quarter for m = 0
  std::vector<std::string> cautions;  // what differs besides the model
  std::vector<ChangedFigure> figures;
  std::vector<ChangedLayer> layers;  // all of the model; NaN in those without heads
  std::vector<ChangedHead> heads;
  // Spearman, before with after, over all heads
  double importance_correlation = kNotMeasured, honor_correlation = kNotMeasured;
  std::vector<BeforeAfterWarning> warnings;
  std::vector<ChangedMetric> metrics;          // those that both models have
  std::vector<std::string> unmatched_metrics;  // those that one model lacks
};

// `shared_heads` is m, 0 where the balance was over all heads; nothing takes a quarter of the
// heads, as a fine-tuning does. BadArgument when the models do not have the same layers and heads,
// or m is not below the number of heads.
BeforeAfter compare_inspections(Inspection before, Inspection after,
                                std::optional<std::int64_t> shared_heads = {});

const ChangedFigure& changed_figure(const BeforeAfter& change, const std::string& key);

// What the figures say, one sentence each with the numbers behind it.
std::vector<std::string> summary(const BeforeAfter& change);

}  // namespace sinkwise::compare
