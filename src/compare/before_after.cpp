#include "sinkwise/compare/before_after.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "before_after_parts.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/head_limits.h"
#include "sinkwise/core/statistics.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

constexpr const char* kPairNext =
    "compare the inspection of a model with the one of the model that came of it; heads are "
    "compared place by place";

std::string size_text(const Inspection& inspection) {
  return concat(inspection.layers.size(), " layers of ", inspection.heads, " heads (",
                printable(inspection.directory), ")");
}

void require_same_sizes(const Inspection& before, const Inspection& after) {
  if (before.layers.size() != after.layers.size() || before.heads != after.heads)
    throw BadArgument({.what = "The two inspections are of models of different sizes.",
                       .where = "compare, the second inspection",
                       .expected = size_text(before),
                       .found = size_text(after),
                       .next = kPairNext});
  for (std::size_t layer = 0; layer < before.layers.size(); ++layer) {
    if (before.layers[layer].has_heads() == after.layers[layer].has_heads()) continue;
    throw BadArgument({.what = "A layer has heads in one model and none in the other.",
                       .where = concat("compare, layer ", layer),
                       .expected = printable(before.layers[layer].kind),
                       .found = printable(after.layers[layer].kind),
                       .next = kPairNext});
  }
}

std::int64_t shared_heads_of(std::int64_t heads, std::optional<std::int64_t> asked) {
  if (!asked) return heads < 2 ? 0 : quarter_of_heads(heads);
  if (*asked >= 0 && *asked < std::max<std::int64_t>(heads, 1)) return *asked;
  throw BadArgument({.what = "So many heads of a layer cannot be shared.",
                     .where = "compare, shared heads",
                     .expected = concat("0 to ", heads - 1),
                     .found = concat(*asked),
                     .next = "give the number that the fine-tuning left out of the balance loss"});
}

// Whether each head is among the m of highest importance; of equal ones the first.
std::vector<bool> top_heads(const std::vector<double>& importance, std::int64_t m) {
  std::vector<std::size_t> order(importance.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return importance[a] > importance[b]; });
  std::vector<bool> top(importance.size(), false);
  const auto count = std::min(static_cast<std::size_t>(m), order.size());
  for (std::size_t i = 0; i < count; ++i) top[order[i]] = true;
  return top;
}

double mean_where(const std::vector<double>& values, const std::vector<bool>& which, bool wanted) {
  std::vector<double> chosen;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (which[i] == wanted) chosen.push_back(values[i]);
  return mean(chosen);
}

double open_share(const std::vector<double>& importance) {
  const auto open = std::ranges::count_if(importance, [](double g) { return g > kOpenGate; });
  return static_cast<double>(open) / static_cast<double>(importance.size());
}

// The same figure of both models.
Change both(const InspectedLayer& before, const InspectedLayer& after,
            const std::function<double(const InspectedLayer&)>& figure) {
  return {figure(before), figure(after)};
}

// The share of the m most important heads before that are so after.
double top_overlap(const InspectedLayer& before, const InspectedLayer& after, std::int64_t m) {
  const std::vector<bool> was = top_heads(before.importance, m),
                          is = top_heads(after.importance, m);
  int same = 0;
  for (std::size_t i = 0; i < was.size(); ++i) same += was[i] && is[i] ? 1 : 0;
  return same / static_cast<double>(std::min<std::size_t>(static_cast<std::size_t>(m), was.size()));
}

ChangedLayer changed_layer(const InspectedLayer& before, const InspectedLayer& after,
                           std::int64_t m, std::int64_t top) {
  ChangedLayer layer;
  if (!before.has_heads()) return layer;
  const std::vector<bool> shared = top_heads(before.importance, m);
  layer.cv = {before.cv, after.cv};
  layer.mean_gate = {before.mean_gate, after.mean_gate};
  layer.min_gate = {before.min_gate, after.min_gate};
  layer.effective_heads = {before.effective_heads, after.effective_heads};
  layer.shared_gate =
      both(before, after, [&](const auto& l) { return mean_where(l.importance, shared, true); });
  layer.routed_gate =
      both(before, after, [&](const auto& l) { return mean_where(l.importance, shared, false); });
  layer.open_share = both(before, after, [](const auto& l) { return open_share(l.importance); });
  layer.top_overlap = top_overlap(before, after, top);
  return layer;
}

std::vector<ChangedHead> changed_heads(const Inspection& before, const Inspection& after,
                                       std::int64_t m) {
  std::vector<ChangedHead> heads;
  for (std::size_t layer = 0; layer < before.layers.size(); ++layer) {
    const std::vector<double>& was = before.layers[layer].importance;
    const std::vector<bool> shared = top_heads(was, m);
    for (std::size_t head = 0; head < was.size(); ++head)
      heads.push_back({static_cast<std::int64_t>(layer),
                       static_cast<std::int64_t>(head),
                       shared[head],
                       {was[head], after.layers[layer].importance[head]},
                       {before.layers[layer].first_token_weight[head],
                        after.layers[layer].first_token_weight[head]}});
  }
  return heads;
}

// HONOR over its layer's mean, of all heads in order.
std::vector<double> relative_honor(const Inspection& inspection) {
  std::vector<double> values;
  for (const InspectedLayer& layer : inspection.layers)
    for (const double value : layer.honor) values.push_back(value / mean(layer.honor));
  return values;
}

double honor_correlation(const Inspection& before, const Inspection& after) {
  return spearman(relative_honor(before), relative_honor(after));
}

double importance_correlation(const std::vector<ChangedHead>& heads) {
  std::vector<double> before, after;
  for (const ChangedHead& head : heads) {
    before.push_back(head.importance.before);
    after.push_back(head.importance.after);
  }
  return spearman(before, after);
}

}  // namespace

BeforeAfter compare_inspections(Inspection before, Inspection after,
                                std::optional<std::int64_t> shared_heads) {
  require_same_sizes(before, after);
  BeforeAfter change;
  change.shared_heads = shared_heads_of(before.heads, shared_heads);
  change.top_heads = change.shared_heads > 0 ? change.shared_heads : quarter_of_heads(before.heads);
  for (std::size_t layer = 0; layer < before.layers.size(); ++layer)
    change.layers.push_back(changed_layer(before.layers[layer], after.layers[layer],
                                          change.shared_heads, change.top_heads));
  change.heads = changed_heads(before, after, change.shared_heads);
  change.importance_correlation = importance_correlation(change.heads);
  change.honor_correlation = honor_correlation(before, after);
  change.before = std::move(before);
  change.after = std::move(after);
  change.cautions = cautions_of(change.before, change.after);
  change.figures = changed_figures(change);
  change.warnings = warnings_of(change);
  change_metrics(change);
  return change;
}

}  // namespace sinkwise::compare
