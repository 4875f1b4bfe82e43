#include <nlohmann/json.hpp>

#include "before_after_parts.h"
#include "sinkwise/compare/output.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

using nlohmann::json;

// Infinities and NaN become null in json_text().
json change_json(const Change& change) {
  return {{"before", change.before}, {"after", change.after}, {"difference", change.difference()}};
}

json inspection_json(const Inspection& inspection) {
  json result = {{"directory", printable(inspection.directory)},
                 {"path", inspection.path},
                 {"model_type", inspection.model_type},
                 {"gate", inspection.gate},
                 {"texts", inspection.texts},
                 {"windows", inspection.windows},
                 {"length", inspection.length},
                 {"begin_id", nullptr},
                 {"pruning_windows", inspection.pruning_windows}};
  if (inspection.begin_id) result["begin_id"] = *inspection.begin_id;
  return result;
}

json layer_json(const ChangedLayer& layer, const std::string& kind) {
  return {{"kind", kind},
          {"cv", change_json(layer.cv)},
          {"mean_gate", change_json(layer.mean_gate)},
          {"min_gate", change_json(layer.min_gate)},
          {"effective_heads", change_json(layer.effective_heads)},
          {"shared_gate", change_json(layer.shared_gate)},
          {"routed_gate", change_json(layer.routed_gate)},
          {"open_share", change_json(layer.open_share)},
          {"top_overlap", layer.top_overlap}};
}

json head_json(const ChangedHead& head) {
  return {{"layer", head.layer},
          {"head", head.head},
          {"shared", head.shared},
          {"importance", change_json(head.importance)},
          {"first_token_weight", change_json(head.first_token_weight)}};
}

json heads_json(const std::vector<ChangedHead>& heads) {
  json list = json::array();
  for (const ChangedHead& head : heads) list.push_back(head_json(head));
  return list;
}

json pruning_json(const BeforeAfter& change) {
  json list = json::array();
  for (const auto& [before, after] : pruning_pairs(change))
    list.push_back({{"order", before->order},
                    {"silenced", before->silenced},
                    {"rise", {{"before", before->rise}, {"after", after->rise}}},
                    {"spread", {{"before", before->spread}, {"after", after->spread}}}});
  return list;
}

json metric_json(const ChangedMetric& metric) {
  return {{"task", metric.task},
          {"kind", metric.kind},
          {"name", metric.name},
          {"count", {{"before", metric.count_before}, {"after", metric.count_after}}},
          {"value", change_json(metric.value)},
          {"standard_error", metric.standard_error},
          {"same_items", metric.same_items},
          {"change", outcome_word(metric.outcome)}};
}

}  // namespace

json to_json(const BeforeAfter& change) {
  json result = {
      {"schema", "sinkwise.before_after/1"},
      {"before", inspection_json(change.before)},
      {"after", inspection_json(change.after)},
      {"shared_heads", change.shared_heads},
      {"top_heads", change.top_heads},
      {"cautions", change.cautions},
      {"summary", summary(change)},
      {"figures", json::object()},
      {"layers", json::array()},
      {"heads", heads_json(change.heads)},
      {"closed_heads", heads_json(closed_heads(change))},
      {"correlation",
       {{"importance", change.importance_correlation}, {"honor", change.honor_correlation}}},
      {"pruning", pruning_json(change)},
      {"warnings", json::array()},
      {"metrics", json::array()},
      {"unmatched_metrics", change.unmatched_metrics}};
  for (const ChangedFigure& figure : change.figures) {
    json& entry = result["figures"][figure.key] = change_json(figure.value);
    entry["none"] = figure.is_null();
  }
  for (std::size_t layer = 0; layer < change.layers.size(); ++layer)
    result["layers"].push_back(layer_json(change.layers[layer], change.after.layers[layer].kind));
  for (const BeforeAfterWarning& warning : change.warnings)
    result["warnings"].push_back({{"id", warning.id},
                                  {"layers", warning.layers},
                                  {"text", warning.text},
                                  {"advice", warning.advice}});
  for (const ChangedMetric& metric : change.metrics)
    result["metrics"].push_back(metric_json(metric));
  return result;
}

}  // namespace sinkwise::compare
