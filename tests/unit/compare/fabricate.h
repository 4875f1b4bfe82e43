#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "sinkwise/compare/comparison.h"

// Runs with known figures, for tests that need no files.
namespace sinkwise::compare {

inline const double kUnmeasured = std::numeric_limits<double>::quiet_NaN();
inline const Balance kBase{};
inline const Balance kBalanced{"cv", 0.01, 0};
inline const Balance kOpen{"open", 0.01, 0};

// Four heads; what is not given in `figures` has an unremarkable value.
inline Run fabricated(const std::string& mechanism, const Balance& balance, std::int64_t seed,
                      const std::map<std::string, double>& figures = {}) {
  Run run;
  run.directory = mechanism + "_" + balance.form + "_" + std::to_string(seed);
  run.task = "toy";
  run.mechanism = mechanism;
  run.balance = balance;
  run.seed = seed;
  run.steps = 100;
  run.provenance = {{"commit", "abc"}, {"device", "cpu"}};
  run.config = {{"optim.lr", "0.01"}};
  for (const FigureInfo& info : kFigures) run.figures[info.key] = 0.5;
  run.figures["bits_per_byte"] = kUnmeasured;
  for (const auto& [key, value] : figures) run.figures[key] = value;
  Layer layer;
  layer.importance = {0.1, 0.2, 0.3, 0.4};
  layer.ablation = {0.0, 0.01, 0.02, 0.03};
  run.layers = {layer};
  return run;
}

// An accuracy of a hundred items of a task, of the run and of the model that it was held against.
inline Metric accuracy(const std::string& task, double value, double other = 0.5) {
  return {.task = task,
          .kind = task,
          .name = "acc",
          .count = 100,
          .value = value,
          .standard_error = 0.05,
          .items_hash = "a",
          .other = other};
}

inline const report::Verdicts& answers_to(const Comparison& comparison, const std::string& id) {
  static const report::Verdicts none;
  for (const Question& question : comparison.questions)
    if (question.id == id) return question.verdicts;
  return none;
}

}  // namespace sinkwise::compare
