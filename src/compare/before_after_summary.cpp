#include <algorithm>
#include <cmath>

#include "before_after_parts.h"
#include "sinkwise/core/head_limits.h"
#include "sinkwise/core/statistics.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/format.h"

namespace sinkwise::compare {
namespace {

using report::fixed;
using report::with_sign;

constexpr double kMoved = 0.05;  // change of a gate that is counted as one; a convention

std::string percent(double share) { return fixed(100.0 * share, 0) + " %"; }

std::string figure_text(const BeforeAfter& change, const char* key) {
  const ChangedFigure& figure = changed_figure(change, key);
  return arrow(figure.value, figure.decimals);
}

// One of four words: for a rise, for a fall, for no change to speak of, and for a figure that one
// side lacks.
const char* word(const ChangedFigure& figure, const char* rise, const char* fall, const char* none,
                 const char* missing = "Not measured on both sides") {
  if (std::isnan(figure.value.difference())) return missing;
  if (figure.is_null()) return none;
  return figure.value.difference() > 0.0 ? rise : fall;
}

std::string about_loss(const BeforeAfter& change) {
  const ChangedFigure& loss = changed_figure(change, "loss");
  return concat(
      "Loss on the inspected text ",
      word(loss, "rose", "fell", "has not changed to speak of", "was not measured on both sides"),
      ": ", arrow(loss.value, loss.decimals), " nats a token.");
}

std::string about_gates(const BeforeAfter& change) {
  const auto up = std::ranges::count_if(
      change.heads, [](const ChangedHead& head) { return head.importance.difference() > kMoved; });
  const auto down = std::ranges::count_if(
      change.heads, [](const ChangedHead& head) { return head.importance.difference() < -kMoved; });
  return concat(word(changed_figure(change, "mean_gate"), "Gates opened", "Gates closed",
                     "No change of gates to speak of"),
                ": mean gate ", figure_text(change, "mean_gate"), "; of ", change.heads.size(),
                " heads ", up, " opened and ", down, " closed by more than ", fixed(kMoved, 2),
                ".");
}

std::string about_shared(const BeforeAfter& change) {
  const auto rose = std::ranges::count_if(change.layers, [](const ChangedLayer& layer) {
    return layer.routed_gate.difference() > kGateDrift;
  });
  const std::int64_t m = change.shared_heads;
  if (m == 0) {
    return concat("No head stayed out of the balance (shared): mean gate of a layer ",
                  figure_text(change, "routed_gate"), ", by more than ", fixed(kGateDrift, 1),
                  " up in ", rose, " of ", change.layers.size(), " layers.");
  }
  return concat(
      m == 1 ? std::string("The most important head") : concat("The ", m, " most important heads"),
      " of each layer before (shared): mean gate ", figure_text(change, "shared_gate"),
      "; all others (routed): ", figure_text(change, "routed_gate"), ", by more than ",
      fixed(kGateDrift, 1), " up in ", rose, " of ", change.layers.size(), " layers.");
}

std::string about_inequality(const BeforeAfter& change) {
  const ChangedFigure &cv = changed_figure(change, "cv"),
                      &gate = changed_figure(change, "mean_gate");
  const bool both = !cv.is_null() && !gate.is_null() && cv.value.difference() < 0.0 &&
                    gate.value.difference() > 0.0;
  return concat(word(cv, "Heads became more unequal", "Heads became more equal",
                     "No change of inequality to speak of"),
                ": CV ", figure_text(change, "cv"), ", effective heads ",
                figure_text(change, "effective_heads"), " of ", change.before.heads,
                both ? ". Gates opened as well, which alone lowers a CV." : ".");
}

std::string about_closed(const BeforeAfter& change) {
  const std::vector<ChangedHead> heads = closed_heads(change);
  if (heads.empty())
    return concat("No head is closed (gate below ", fixed(kClosedGate, 2),
                  "), before or after; the lowest gate: ", figure_text(change, "min_gate"), ".");
  const auto reopened = std::ranges::count_if(
      heads, [](const ChangedHead& head) { return head.importance.after >= kClosedGate; });
  const auto fresh = std::ranges::count_if(
      heads, [](const ChangedHead& head) { return head.importance.before >= kClosedGate; });
  return concat("Closed heads (gate below ", fixed(kClosedGate, 2),
                "): ", figure_text(change, "closed_heads"), "; ", reopened, " reopened, ", fresh,
                " closed anew.");
}

std::string about_sinks(const BeforeAfter& change) {
  return concat(word(changed_figure(change, "sink_heads"), "More heads sink", "Fewer heads sink",
                     "As many heads sink"),
                " into the first token (weight above ", fixed(kSinkWeight, 1),
                "): ", figure_text(change, "sink_heads"), " of ", change.heads.size(),
                "; its value over the others': ", figure_text(change, "value_drain"), ".");
}

std::string about_order(const BeforeAfter& change) {
  std::vector<double> overlap;
  for (const ChangedLayer& layer : change.layers) overlap.push_back(layer.top_overlap);
  const double chance =
      static_cast<double>(change.top_heads) / static_cast<double>(change.before.heads);
  const double rho = change.importance_correlation;
  const char* verdict = std::isnan(rho) ? "cannot be compared"
                        : rho > 0.9     ? "are the same as before, mostly"
                        : rho > 0.5     ? "are the same in part"
                                        : "are others than before";
  return concat("The important heads ", verdict,
                ": rank correlation of importance before with after ", fixed(rho, 2), ", of HONOR ",
                fixed(change.honor_correlation, 2), "; of the top ", change.top_heads,
                " of a layer ", percent(mean(overlap)), " are the same (by chance ",
                percent(chance), ").");
}

std::string rise_text(const InspectedPruning& curve, std::size_t at) {
  const std::string rise = with_sign(curve.rise[at], 3);
  const bool spread = at < curve.spread.size() && std::isfinite(curve.spread[at]);
  return spread ? concat(rise, " \u00b1 ", fixed(curve.spread[at], 3)) : rise;
}

// At the middle point of the curves.
std::string about_pruning(const std::vector<PruningPair>& pairs) {
  const std::size_t at = std::min<std::size_t>(2, pairs.front().before->silenced.size() - 1);
  const double heads = pairs.front().before->silenced[at];
  std::vector<std::string> parts;
  for (const PruningPair& pair : pairs) {
    const auto& silenced = pair.before->silenced;
    if (at >= silenced.size() || silenced[at] != heads) continue;  // another set of points
    parts.push_back(concat(rise_text(*pair.before, at), " \u2192 ", rise_text(*pair.after, at),
                           " by ", printable(pair.before->order)));
  }
  return concat("Silencing ", heads, " heads, the lowest first, costs in nats: ", join(parts), ".");
}

std::string about_tasks(const BeforeAfter& change) {
  const auto count = [&](Outcome outcome) {
    return std::ranges::count(change.metrics, outcome, &ChangedMetric::outcome);
  };
  return concat("Of ", change.metrics.size(), " measures of tasks ", count(Outcome::better),
                " better and ", count(Outcome::worse), " worse by more than two standard errors, ",
                count(Outcome::none), " without a difference found, ", count(Outcome::unclear),
                " undecided.");
}

}  // namespace

std::string arrow(const Change& value, int decimals) {
  return concat(fixed(value.before, decimals), " \u2192 ", fixed(value.after, decimals), " (",
                with_sign(value.difference(), decimals), ")");
}

std::string layers_text(const std::vector<std::int64_t>& layers) {
  constexpr std::size_t kMost = 8;
  std::vector<std::string> names;
  for (const std::int64_t layer : layers) {
    if (names.size() == kMost) {
      names.push_back(concat("and ", layers.size() - kMost, " more"));
      break;
    }
    names.push_back(concat(layer));
  }
  if (names.empty()) return "no layer by itself";
  return (names.size() == 1 ? "layer " : "layers ") + join(names);
}

std::vector<ChangedHead> closed_heads(const BeforeAfter& change) {
  std::vector<ChangedHead> closed;
  std::ranges::copy_if(change.heads, std::back_inserter(closed), [](const ChangedHead& head) {
    return head.importance.before < kClosedGate || head.importance.after < kClosedGate;
  });
  return closed;
}

std::vector<PruningPair> pruning_pairs(const BeforeAfter& change) {
  std::vector<PruningPair> pairs;
  for (const InspectedPruning& before : change.before.pruning) {
    const auto after =
        std::ranges::find(change.after.pruning, before.order, &InspectedPruning::order);
    const bool same = after != change.after.pruning.end() && !before.silenced.empty() &&
                      after->silenced == before.silenced;
    if (same) pairs.push_back({&before, &*after});
  }
  return pairs;
}

std::vector<std::string> summary(const BeforeAfter& change) {
  if (change.heads.empty())
    return {about_loss(change), "No layer has softmax attention: there are no heads to compare."};
  std::vector<std::string> sentences = {
      about_loss(change),   about_gates(change), about_shared(change), about_inequality(change),
      about_closed(change), about_sinks(change), about_order(change)};
  const auto pairs = pruning_pairs(change);
  if (!pairs.empty()) sentences.push_back(about_pruning(pairs));
  if (!change.metrics.empty()) sentences.push_back(about_tasks(change));
  return sentences;
}

}  // namespace sinkwise::compare
