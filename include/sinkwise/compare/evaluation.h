#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace sinkwise::compare {

inline constexpr double kNotMeasured = std::numeric_limits<double>::quiet_NaN();

// One value of a task, such as its accuracy. Numbers that are missing are NaN, here and below.
struct Metric {
  std::string task, kind, name;
  std::int64_t count = 0;  // items of the task
  double value = kNotMeasured, standard_error = kNotMeasured;
  bool higher_is_better = true;
  std::string items_hash;       // of the items of the task, and the ids in front of them
  double other = kNotMeasured;  // of the model that it was held against, on the same items
};

// What else decides the figures of an evaluation; empty and 0 where its file does not say.
struct EvaluationFacts {
  std::string model, begin;             // path; ids in front of every sequence
  std::string other;                    // path of the model that it was held against
  std::int64_t length = 0, stride = 0;  // of the windows of texts
};

// evaluation.json of `sinkwise eval` (docs/evaluation.md).
struct Evaluation {
  std::vector<Metric> metrics;
  EvaluationFacts facts;
};

// Empty where the folder holds no evaluation.json. BadFile, naming file and field, when it is not
// of schema "sinkwise.evaluation/1", and for a metric given twice or with a negative error.
Evaluation load_evaluation(const std::filesystem::path& folder);

// Whether two paths may stand for one model: equal, or one the end of the other.
bool may_be_one_model(const std::string& a, const std::string& b);

}  // namespace sinkwise::compare
