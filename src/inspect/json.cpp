#include <limits>
#include <nlohmann/json.hpp>

#include "facts.h"
#include "sinkwise/core/text.h"
#include "sinkwise/inspect/output.h"

namespace sinkwise::inspect {
namespace {

using nlohmann::json;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

json model_json(const ModelFacts& m) {
  return {{"path", printable(m.path)},
          {"family", m.family},
          {"model_type", m.model_type},
          {"gate", m.gate},
          {"layers", m.layers},
          {"width", m.width},
          {"heads", m.heads},
          {"key_heads", m.key_heads},
          {"head_size", m.head_size},
          {"vocabulary", m.vocabulary},
          {"context_length", m.context_length}};
}

json text_json(const TextFacts& t) {
  std::vector<std::string> files;
  for (const std::string& file : t.files) files.push_back(printable(file));
  json result = {{"files", files},
                 {"windows", t.windows},
                 {"length", t.length},
                 {"special_inside", t.special_inside},
                 {"begin", nullptr}};
  if (t.begin_id) result["begin"] = {{"id", *t.begin_id}, {"text", printable(t.begin_text)}};
  return result;
}

json layer_json(const LayerInspection& l, const std::string& gate) {
  json result = {{"kind", l.kind},
                 {"activations",
                  {{"kurtosis", l.activations.kurtosis},
                   {"max_to_median", l.activations.max_to_median},
                   {"first_to_others", l.activations.first_to_others}}}};
  if (!l.has_heads) return result;
  result["cv"] = l.cv;
  result["mean_gate"] = l.mean_gate;
  result["min_gate"] = l.min_gate;
  result["max_gate"] = l.max_gate;
  result["effective_heads"] = l.effective_heads;
  result["column_mass"] = l.columns.column_mean;
  const bool learned = gate == kLearnedSink;
  std::vector<double> sink_mass(l.heads.importance.size(), kNan);
  for (std::size_t h = 0; learned && h < sink_mass.size(); ++h) {
    sink_mass[h] = 1.0 - l.heads.importance[h];
  }
  result["heads"] = {{"importance", l.heads.importance},
                     {"learned_sink", sink_mass},
                     {"first_token_weight", l.heads.first_token_weight},
                     {"value_drain", l.heads.value_drain},
                     {"honor", l.heads.output_norm},
                     {"honor_over_layer_mean", honor_over_mean(l)},
                     {"gate_histogram", l.heads.gate_histogram},
                     {"first_column", l.columns.first},
                     {"largest_column", l.columns.largest},
                     {"top4_columns", l.columns.top4},
                     {"largest_other_column", l.columns.elsewhere},
                     {"special_columns", l.columns.marked},
                     {"sink_rate", l.columns.sink_rate},
                     {"entropy", l.columns.entropy},
                     {"cosine_first", l.geometry.cosine_first},
                     {"cosine_others", l.geometry.cosine_others},
                     {"norm_product_first", l.geometry.norms_first},
                     {"norm_product_others", l.geometry.norms_others},
                     {"key_norm_ratio", l.geometry.key_norm_ratio},
                     {"key_rank", l.geometry.key_rank}};
  return result;
}

json interventions_json(const Interventions& i) {
  json curves = json::array();
  for (const PruningCurve& curve : i.curves) {
    curves.push_back({{"order", curve.order},
                      {"silenced", curve.silenced},
                      {"loss", curve.loss},
                      {"spread", curve.spread}});
  }
  return {{"windows", i.windows},
          {"loss", i.loss},
          {"loss_without_first_value", i.loss_without_first_value},
          {"pruning", std::move(curves)}};
}

}  // namespace

json to_json(const Inspection& inspection) {
  json layers = json::array();
  for (const LayerInspection& layer : inspection.layers) {
    layers.push_back(layer_json(layer, inspection.model.gate));
  }
  json result = {{"schema", "sinkwise.inspection/1"},
                 {"model", model_json(inspection.model)},
                 {"text", text_json(inspection.text)},
                 {"loss", inspection.loss},
                 {"bits_per_byte", inspection.bits_per_byte},
                 {"importance_honor_spearman", inspection.importance_honor_spearman},
                 {"layers", std::move(layers)},
                 {"summary", summary(inspection)},
                 {"interventions", nullptr}};
  if (inspection.interventions) {
    result["interventions"] = interventions_json(*inspection.interventions);
  }
  return result;
}

}  // namespace sinkwise::inspect
