#include <nlohmann/json.hpp>
#include <span>

#include "sinkwise/core/hash.h"
#include "sinkwise/core/text.h"
#include "sinkwise/eval/output.h"

namespace sinkwise::eval {
namespace {

using nlohmann::json;

// Of what the model is asked: the ids of all rows, which tell two tokenizers apart.
std::string hash_of_ids(const Task& task) {
  Hasher hasher;
  for (const Item& item : task.items) {
    for (const Row& row : item.rows) {
      hasher.update(std::as_bytes(std::span(row.ids)));
      hasher.update(std::as_bytes(std::span(&row.scored, 1)));
    }
  }
  return hasher.hex();
}

// null where there is no text to cut.
json number_or_null(std::int64_t number) { return number > 0 ? json(number) : json(); }

json metrics_json(const std::vector<Metric>& metrics) {
  json list = json::array();
  for (const Metric& metric : metrics) {
    list.push_back({{"name", metric.name},
                    {"value", metric.value},
                    {"standard_error", metric.standard_error},
                    {"higher_is_better", metric.higher_is_better}});
  }
  return list;
}

json task_json(const TaskResult& task) {
  json groups = json::array();
  for (const GroupResult& group : task.groups) {
    groups.push_back({{"name", printable(group.name)},
                      {"count", group.count},
                      {"metrics", metrics_json(group.metrics)}});
  }
  return {{"name", task.name},          {"kind", kind_name(task.kind)},
          {"prompt", task.prompt},      {"file", printable(task.file)},
          {"hash", task.hash},          {"count", task.all.count},
          {"tokens", task.tokens},      {"truncated", task.truncated},
          {"lossless", task.lossless},  {"metrics", metrics_json(task.all.metrics)},
          {"groups", std::move(groups)}};
}

json comparison_json(const Comparison& comparison) {
  json tasks = json::array();
  for (const TaskComparison& task : comparison.tasks) {
    json metrics = json::array();
    for (const Difference& one : task.differences) {
      metrics.push_back({{"name", one.name},
                         {"value", one.ours},
                         {"other", one.theirs},
                         {"difference", one.ours - one.theirs},
                         {"low", one.low},
                         {"high", one.high}});
    }
    tasks.push_back({{"name", task.name}, {"metrics", std::move(metrics)}});
  }
  return {{"directory", printable(comparison.directory)},
          {"model", printable(comparison.model)},
          {"resamples", comparison.bootstrap.resamples},
          {"seed", comparison.bootstrap.seed},
          {"tasks", std::move(tasks)}};
}

}  // namespace

json settings_json(const Settings& settings, const std::vector<Task>& tasks) {
  json of_tasks = json::object();
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    of_tasks[tasks[t].name] = {{"place", t},
                               {"kind", kind_name(tasks[t].kind)},
                               {"count", tasks[t].items.size()},
                               {"hash", tasks[t].hash},
                               {"ids", hash_of_ids(tasks[t])}};
  }
  return {{"schema", kSettingsSchema},
          {"model", settings.model_hash},
          {"bos", settings.begin},
          {"length", number_or_null(settings.windows.length)},
          {"stride", number_or_null(settings.windows.stride)},
          {"batch_tokens", settings.batch_tokens},
          {"tasks", std::move(of_tasks)}};
}

json to_json(const Evaluation& evaluation) {
  const Settings& settings = evaluation.settings;
  const pretrained::ModelConfig& model = evaluation.model;
  json tasks = json::array();
  for (const TaskResult& task : evaluation.tasks) tasks.push_back(task_json(task));
  return {{"schema", kSchema},
          {"command", printable(evaluation.command)},
          {"model",
           {{"path", printable(settings.model)},
            {"hash", settings.model_hash},
            {"family", model.family},
            {"model_type", model.model_type},
            {"layers", model.layers.size()},
            {"width", model.width},
            {"vocabulary", model.vocabulary},
            {"context_length", model.context_length}}},
          {"bos", {{"rule", settings.bos}, {"ids", settings.begin}}},
          {"length", number_or_null(settings.windows.length)},
          {"stride", number_or_null(settings.windows.stride)},
          {"limit", settings.windows.limit},
          {"batch_tokens", settings.batch_tokens},
          {"tasks", std::move(tasks)},
          {"against", evaluation.against ? comparison_json(*evaluation.against) : json()}};
}

}  // namespace sinkwise::eval
