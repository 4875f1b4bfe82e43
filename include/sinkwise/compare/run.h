#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sinkwise/compare/evaluation.h"

namespace sinkwise::compare {

// How heads were balanced: "none", the losses "cv" and "switch", the bias rule "loss_free", or
// "open", a control that only pushes gates open and balances nothing.
struct Balance {
  std::string form = "none";
  double lambda = 0.0;
  std::int64_t shared_heads = 0;

  auto operator<=>(const Balance&) const = default;
  bool is_base() const { return form == "none"; }
  bool is_control() const { return form == "open"; }
};

// What was measured of one layer at the end of a run: one value a head, or empty where not
// measured.
struct Layer {
  std::vector<double> importance;                   // [H] mean gate
  std::vector<double> first_token_weight;           // [H] mean attention to the first token
  std::vector<double> value_drain;                  // [H] |v_first| / mean |v|
  std::vector<double> ablation;                     // [H] rise of the loss in nats without the head
  std::vector<std::vector<double>> gate_histogram;  // [H][bins] shares of equal bins over 0..1
  std::map<std::string, std::vector<double>> first_token_weight_by_group;  // group -> [H]
};

// One validation during training. Missing values are NaN.
struct CurvePoint {
  std::int64_t step = 0;
  double loss, bits_per_byte, excess, cv, mean_gate, first_token_weight;
};

// A finished run as its directory tells it.
struct Run {
  std::string directory;
  std::string task, mechanism, label;
  Balance balance;
  std::int64_t seed = 0;
  std::int64_t steps = 0, skipped_steps = 0;
  std::vector<std::pair<std::string, std::string>> provenance;  // version, commit, device, ...
  std::map<std::string, std::string> config;                    // flat key -> value as JSON text
  std::map<std::string, double> figures;                        // key of kFigures -> final value
  std::map<std::string, std::map<std::string, double>>
      groups;                      // group -> "loss", "excess" -> value
  std::vector<double> row_losses;  // of each held-out row; empty where not measured
  std::vector<Layer> layers;
  std::vector<CurvePoint> curve;  // ascending steps; empty without a log
  Evaluation evaluation;          // of its model; empty without one
};

// Reads result.json (schema "sinkwise.result/1") and, where there is one, the validation lines of
// log.jsonl and evaluation/evaluation.json. Of a step logged twice, as after a resume, the later
// line counts; a last line without its line feed is an interrupted write and is left out. Missing
// optional fields stay NaN or empty.
//
// BadFile when the run has not finished (no result.json), when a field has the wrong type, when
// there is no layer or an unknown form of balance, or when a per-head list does not have one value
// a head; the message names file and field.
Run load_run(const std::filesystem::path& directory);

// What the balance loss costs, measured by interleaved pairs of steps in one process.
struct Overhead {
  std::string task, mechanism;
  double base_ms = 0.0, balanced_ms = 0.0;            // medians of one step
  double ratio = 0.0;                                 // median of balanced / base
  double lower_quartile = 0.0, upper_quartile = 0.0;  // of the ratio
  std::int64_t pairs = 0;
};

// A JSON list of {"task", "mechanism", "base_ms", "balanced_ms", "ratio", "quartiles": [lo, hi],
// "pairs"}.
std::vector<Overhead> load_overhead(const std::filesystem::path& file);

}  // namespace sinkwise::compare
