#include <algorithm>
#include <cmath>

#include "before_after_parts.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/head_limits.h"
#include "sinkwise/core/statistics.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

// Mean over the layers that have heads and the figure in both models.
Change over_layers(const BeforeAfter& change, Change ChangedLayer::*figure) {
  std::vector<double> before, after;
  for (const ChangedLayer& layer : change.layers) {
    if (std::isnan((layer.*figure).difference())) continue;
    before.push_back((layer.*figure).before);
    after.push_back((layer.*figure).after);
  }
  return {mean(before), mean(after)};
}

std::vector<double> gates(const Inspection& inspection) {
  std::vector<double> all;
  for (const InspectedLayer& layer : inspection.layers)
    all.insert(all.end(), layer.importance.begin(), layer.importance.end());
  return all;
}

std::vector<double> all_of(const Inspection& inspection,
                           std::vector<double> InspectedLayer::*figure) {
  std::vector<double> all;
  for (const InspectedLayer& layer : inspection.layers)
    all.insert(all.end(), (layer.*figure).begin(), (layer.*figure).end());
  return all;
}

template <typename Figure>
Change of_both(const BeforeAfter& change, const Figure& figure) {
  return {figure(change.before), figure(change.after)};
}

// NaN where one of the values was not measured.
double number_of(const std::vector<double>& values, bool (*holds)(double)) {
  if (std::ranges::any_of(values, [](double value) { return std::isnan(value); }))
    return kNotMeasured;
  return static_cast<double>(std::ranges::count_if(values, holds));
}

double closed(const Inspection& i) {
  return number_of(gates(i), [](double gate) { return gate < kClosedGate; });
}

double open_share(const Inspection& i) {
  const std::vector<double> all = gates(i);
  return number_of(all, [](double gate) { return gate > kOpenGate; }) /
         static_cast<double>(all.size());
}

double sinks(const Inspection& i) {
  return number_of(all_of(i, &InspectedLayer::first_token_weight),
                   [](double weight) { return weight > kSinkWeight; });
}

}  // namespace

bool ChangedFigure::is_null() const {
  return !(std::abs(value.difference()) >= resolution);  // NaN as well
}

std::vector<ChangedFigure> changed_figures(const BeforeAfter& change) {
  const std::int64_t m = change.shared_heads;
  return {
      {"loss", "loss (nats a token)", "on the inspected text", 4, 0.005,
       of_both(change, [](const Inspection& i) { return i.loss; })},
      {"bits_per_byte", "bits a byte", "on the inspected text", 4, 0.002,
       of_both(change, [](const Inspection& i) { return i.bits_per_byte; })},
      {"cv", "CV of importance", "population standard deviation over mean, mean over layers", 3,
       0.01, over_layers(change, &ChangedLayer::cv)},
      {"mean_gate", "mean gate", "mean over all heads", 3, 0.01,
       of_both(change, [](const Inspection& i) { return mean(gates(i)); })},
      {"shared_gate", "mean gate, shared heads",
       m > 0 ? concat("the ", m, " of highest importance before, in each layer")
             : std::string("none: the balance was over all heads"),
       3, 0.01, over_layers(change, &ChangedLayer::shared_gate)},
      {"routed_gate", "mean gate, routed heads", m > 0 ? "all others" : "all heads", 3, 0.01,
       over_layers(change, &ChangedLayer::routed_gate)},
      {"min_gate", "lowest gate", "of all heads", 3, 0.01,
       of_both(change, [](const Inspection& i) { return extent(gates(i)).first; })},
      {"open_share", "share of gates above 0.9", "of all heads", 3, 0.01,
       of_both(change, open_share)},
      {"closed_heads", "heads with a gate below 0.02", "closed", 0, 1.0, of_both(change, closed)},
      {"effective_heads", concat("effective heads of ", change.before.heads),
       "H / (1 + CV^2), mean over layers", 2, 0.1,
       over_layers(change, &ChangedLayer::effective_heads)},
      {"sink_heads", "heads with first-token weight above 0.3", "mean weight over rows", 0, 1.0,
       of_both(change, sinks)},
      {"value_drain", "value drain", "norm of the first token's value over the others', median", 3,
       0.02,
       of_both(
           change,
           [](const Inspection& i) { return median(all_of(i, &InspectedLayer::value_drain)); })},
      {"importance_honor_spearman", "rank correlation with HONOR",
       "of importance with the norm of a head's output over its layer's mean", 2, 0.02,
       of_both(change, [](const Inspection& i) { return i.importance_honor_spearman; })}};
}

const ChangedFigure& changed_figure(const BeforeAfter& change, const std::string& key) {
  const auto found = std::ranges::find(change.figures, key, &ChangedFigure::key);
  if (found != change.figures.end()) return *found;
  throw InternalError({.what = "There is no such figure.",
                       .where = "changed_figure()",
                       .expected = {},
                       .found = key,
                       .next = {}});
}

}  // namespace sinkwise::compare
