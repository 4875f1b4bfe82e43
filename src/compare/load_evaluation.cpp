#include <set>

#include "fields.h"
#include "sinkwise/compare/evaluation.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = std::size_t{256} << 20;
constexpr const char* kSchema = "sinkwise.evaluation/1";
constexpr Fields::Kind kEvaluation = {
    "A file of an evaluation has an unexpected content.",
    "evaluate the model again, or take the file out of the folder"};

Metric metric_of(const Fields& task, const Fields& fields) {
  Metric metric{task.text("name"),
                task.text_or("kind", ""),
                fields.text("name"),
                task.integer_or("count", 0),
                fields.number("value"),
                fields.number("standard_error"),
                fields.truth("higher_is_better"),
                task.text_or("hash", "")};
  if (metric.standard_error < 0.0)
    fields.fail("standard_error", "0 or more", concat(metric.standard_error));
  return metric;
}

// What stands in front of every sequence is a part of the items.
std::vector<Metric> metrics_of(const Fields& root, const std::string& begin) {
  std::vector<Metric> metrics;
  std::set<std::pair<std::string, std::string>> names;
  for (const Fields& task : root.objects("tasks")) {
    for (const Fields& fields : task.objects("metrics")) {
      metrics.push_back(metric_of(task, fields));
      metrics.back().items_hash += begin;
      if (!names.emplace(metrics.back().task, metrics.back().name).second)
        fields.fail("name", "each metric of a task once", printable(metrics.back().name));
    }
  }
  return metrics;
}

void read_against(const Fields& root, Evaluation& evaluation) {
  const Fields against = root.object("against");
  evaluation.facts.other = against.text_or("model", "");
  for (const Fields& task : against.objects("tasks")) {
    for (const Fields& fields : task.objects("metrics")) {
      for (Metric& metric : evaluation.metrics) {
        if (metric.task == task.text("name") && metric.name == fields.text("name"))
          metric.other = fields.number("other");
      }
    }
  }
}

EvaluationFacts facts_of(const Fields& root) {
  EvaluationFacts facts;
  const auto model = nlohmann::json::json_pointer("/model/path"),
             ids = nlohmann::json::json_pointer("/bos/ids");
  const nlohmann::json& json = root.value();
  if (json.contains(model) && json.at(model).is_string())
    facts.model = json.at(model).get<std::string>();
  if (json.contains(ids)) facts.begin = printable(json_text(json.at(ids)));
  facts.length = root.integer_or("length", 0);
  facts.stride = root.integer_or("stride", 0);
  return facts;
}

}  // namespace

Evaluation load_evaluation(const fs::path& folder) {
  const fs::path path = folder / "evaluation.json";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return {};
  const nlohmann::json json = parse_json(read_file(path, kMostBytes), path.string(), kMostBytes);
  const Fields root(json, path.string(), "", kEvaluation);
  root.require_schema(kSchema);
  Evaluation evaluation{{}, facts_of(root)};
  evaluation.metrics = metrics_of(root, evaluation.facts.begin);
  read_against(root, evaluation);
  return evaluation;
}

bool may_be_one_model(const std::string& a, const std::string& b) {
  const auto plain = [](const std::string& path) {
    std::string text = "/" + fs::path(path).lexically_normal().generic_string();
    while (text.ends_with('/') && text.size() > 1) text.pop_back();
    return text;
  };
  const std::string first = plain(a), second = plain(b);
  return a.empty() || b.empty() || first.ends_with(second) || second.ends_with(first);
}

}  // namespace sinkwise::compare
