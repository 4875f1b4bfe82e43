#include <algorithm>
#include <cmath>
#include <iterator>

#include "facts.h"
#include "sinkwise/core/head_limits.h"
#include "sinkwise/core/statistics.h"
#include "sinkwise/core/text.h"
#include "sinkwise/inspect/output.h"
#include "sinkwise/report/format.h"

namespace sinkwise::inspect {
namespace {

using report::fixed;
using report::with_sign;
using Heads = std::vector<HeadFacts>;

std::string share(std::int64_t part, std::size_t whole) {
  return concat(part, " of ", whole, " heads (",
                fixed(100.0 * static_cast<double>(part) / static_cast<double>(whole), 0), " %)");
}

// The layers that have heads.
std::vector<const LayerInspection*> with_heads(const Inspection& inspection) {
  std::vector<const LayerInspection*> layers;
  for (const LayerInspection& layer : inspection.layers) {
    if (layer.has_heads) layers.push_back(&layer);
  }
  return layers;
}

std::string about_begin(const TextFacts& text) {
  if (text.begin_id) {
    return concat("Every window begins with the token ", *text.begin_id, " (",
                  printable(text.begin_text), ").");
  }
  return "No beginning token: every window begins with whatever token of the text stands there, "
         "and that one serves as the first.";
}

// Such as a separator between documents, which some models treat as a first token.
std::string about_special(const TextFacts& text, const Heads& heads) {
  const Selection second =
      select(heads, [](const HeadFacts& head) { return head.special > kSinkWeight; });
  const auto most = extent(values_of(heads, &HeadFacts::special)).second;
  return concat(counted(text.special_inside, "special token"),
                text.special_inside == 1 ? " stands" : " stand",
                " at later positions. From there on ",
                second.count == 0 ? "no head gives" : share(second.count, heads.size()) + " give",
                " such a token a mean weight above ", fixed(kSinkWeight, 1),
                second.count == 0 ? concat("; the most is ", fixed(most, 3), ".")
                                  : concat(" (", second.layers(), "): a second sink."));
}

std::string about_first_token(const Heads& heads) {
  if (std::isnan(median(values_of(heads, &HeadFacts::first_token_weight)))) {
    return "Whether heads sink into the first token cannot be told: no later row sees it.";
  }
  const Selection sinks = select(heads, sinks_into_first);
  if (sinks.count == 0) {
    return concat("No head sinks into the first token: none gives it a mean weight above ",
                  fixed(kSinkWeight, 1),
                  " in at least half of the windows; the median "
                  "weight is ",
                  fixed(median(values_of(heads, &HeadFacts::first_token_weight)), 3), ".");
  }
  return concat("Sinks on the first token: ", share(sinks.count, heads.size()),
                " give it a mean weight above ", fixed(kSinkWeight, 1),
                " in at least half of the windows; they are in ", sinks.layers(), ".");
}

std::string about_other_columns(const Heads& heads) {
  const Selection moved = select(heads, sinks_elsewhere);
  const Selection narrow = select(heads, [](const HeadFacts& head) { return head.narrow; });
  const std::string not_asked =
      narrow.count == 0 ? ""
                        : concat(" Of windows below ", kFewestRows, " tokens (", narrow.layers(),
                                 ") it cannot be told: every column is near all that see it.");
  if (moved.count == 0) {
    return concat("No sink elsewhere: no head puts more than ", fixed(kSinkWeight, 1),
                  " of its attention on one later column.", not_asked);
  }
  return concat("Sinks elsewhere: ", share(moved.count, heads.size()), " put more than ",
                fixed(kSinkWeight, 1),
                " of the attention of the rows that can see it on one column that is not the "
                "first (",
                moved.layers(), ").", not_asked);
}

std::string about_sleep(const Inspection& inspection, const Heads& heads) {
  const Selection asleep =
      select(heads, [](const HeadFacts& head) { return head.importance < kAsleep; });
  const std::string gate = concat("gate (", inspection.model.gate, ")");
  if (std::ranges::all_of(heads, [](const auto& head) { return std::isnan(head.importance); })) {
    return concat("No ", gate, " could be measured: it is fixed by construction in every row.");
  }
  if (asleep.count == 0) {
    return concat("No head is asleep: every mean ", gate, " is at least ", fixed(kAsleep, 1),
                  "; the lowest is ",
                  fixed(extent(values_of(heads, &HeadFacts::importance)).first, 3), ".");
  }
  return concat(
      "Asleep: ", share(asleep.count, heads.size()), " have a mean ", gate, " below ",
      fixed(kAsleep, 1), " (", asleep.layers(),
      "). A closed gate does not prove that a head is useless: see what silencing costs.");
}

std::string about_inequality(const Inspection& inspection) {
  std::vector<double> cv, effective, mean_gate;
  const auto layers = with_heads(inspection);
  for (const auto* layer : layers) {
    cv.push_back(layer->cv), effective.push_back(layer->effective_heads);
    mean_gate.push_back(layer->mean_gate);
  }
  const auto H = static_cast<double>(inspection.model.heads);
  if (inspection.model.heads == 1) return "One head a layer: there is nothing to compare.";
  if (std::isnan(mean(cv))) return "How unequal the heads are cannot be told without gates.";
  const auto worst = std::min_element(effective.begin(), effective.end());
  const char* word = mean(effective) >= 0.9 * H   ? "only mildly unequal"
                     : mean(effective) >= 0.6 * H ? "clearly unequal"
                                                  : "very unequal";
  return concat("Heads are ", word, ": CV ", fixed(mean(cv), 3), ", ", fixed(mean(effective), 1),
                " effective heads of ", inspection.model.heads, " on average, ", fixed(*worst, 1),
                " in the worst layer, at a mean gate of ", fixed(mean(mean_gate), 3),
                " (a low CV alone may only mean that all gates are open, or all closed).");
}

std::string about_value(const Heads& heads) {
  Heads sinks;
  std::copy_if(heads.begin(), heads.end(), std::back_inserter(sinks), sinks_into_first);
  const double middle = median(values_of(sinks.empty() ? heads : sinks, &HeadFacts::value_drain));
  if (sinks.empty()) {
    return concat("The first token's value has ", fixed(middle, 2),
                  " of the usual norm (median over heads).");
  }
  const auto nothing =
      select(sinks, [](const HeadFacts& head) { return head.value_drain < kNoOpValue; }).count;
  const auto broadcast = select(sinks, [](const HeadFacts& head) {
                           return head.value_drain >= kBroadcastValue;
                         }).count;
  return concat("What these sinks write: in ", share(nothing, sinks.size()),
                " next to nothing (no-op: the first token's value has less than ",
                fixed(kNoOpValue, 1), " of the usual norm), in ", broadcast,
                " as much as any token (broadcast: at least ", fixed(kBroadcastValue, 1),
                "); the median is ", fixed(middle, 2),
                ". Where it is not small the gate tells only part of what the head does.");
}

std::string about_honor(const Inspection& inspection) {
  const double rho = inspection.importance_honor_spearman;
  const char* word = std::isnan(rho) ? "cannot be compared"
                     : rho > 0.7     ? "mostly agree"
                     : rho > 0.3     ? "agree in part"
                                     : "do not agree";
  return concat("Gate and output ", word,
                ": rank correlation of importance with the norm of a "
                "head's output (HONOR over its layer's mean) ",
                fixed(rho, 2), ".");
}

// Whether importance or HONOR finds the heads that can go.
// Below these two orders are not told apart (ours).
constexpr double kNoticeable = 0.005;  // nats
constexpr std::size_t kFewestNumbers = 3;

std::string better_order(const std::vector<double>& importance, const std::vector<double>& honor) {
  if (importance == honor) return "Importance and HONOR silence the same heads.";
  double apart = 0.0;
  for (std::size_t i = 0; i < honor.size(); ++i)
    apart = std::max(apart, std::abs(honor[i] - importance[i]));
  if (apart < kNoticeable || honor.size() < kFewestNumbers) {
    return concat("Importance and HONOR cannot be told apart here: ",
                  counted(static_cast<std::int64_t>(honor.size()), "number"), " of heads, ",
                  fixed(apart, 3), " nats at most between them.");
  }
  std::size_t lower = 0;
  for (std::size_t i = 0; i < honor.size(); ++i) lower += honor[i] < importance[i] ? 1 : 0;
  const char* found = lower == honor.size() ? "HONOR finds the heads that can go better than "
                                              "importance does"
                      : lower == 0 ? "Importance finds the heads that can go at least as well as "
                                     "HONOR does"
                                   : "Neither importance nor HONOR finds the heads that can go "
                                     "better throughout";
  return concat(found, " (HONOR has the lower loss with ", lower, " of ", honor.size(),
                " numbers of heads).");
}

std::string about_interventions(const Interventions& interventions) {
  std::string text =
      concat("Setting the first token's value to 0 changes the loss by ",
             with_sign(interventions.loss_without_first_value - interventions.loss, 3), " nats (",
             counted(interventions.windows, "window"), ").");
  // The curve's middle point: a quarter of all heads.
  const std::size_t at = std::min<std::size_t>(2, interventions.curves.front().loss.size() - 1);
  std::vector<std::string> parts;
  for (const PruningCurve& curve : interventions.curves) {
    const double rise = curve.loss[at] - interventions.loss;
    const bool spread = at < curve.spread.size() && std::isfinite(curve.spread[at]);
    parts.push_back(concat(spread
                               ? concat(with_sign(rise, 3), " \u00b1 ", fixed(curve.spread[at], 3))
                               : with_sign(rise, 3),
                           " by ", curve.order));
  }
  const auto silenced = static_cast<std::int64_t>(interventions.curves.front().silenced[at]);
  return text + concat(" Silencing ", counted(silenced, "head"), ", the lowest first, costs ",
                       join(parts), ". ",
                       better_order(interventions.curves[0].loss, interventions.curves[1].loss));
}

std::string about_activations(const Inspection& inspection) {
  const auto& layers = inspection.layers;
  const auto worst =
      std::max_element(layers.begin(), layers.end(), [](const auto& a, const auto& b) {
        return a.activations.max_to_median < b.activations.max_to_median;
      });
  return concat("Largest activation: ", fixed(worst->activations.max_to_median, 0),
                " times the median, after layer ", worst - layers.begin(),
                ", where the first token's state is ", fixed(worst->activations.first_to_others, 1),
                " times as long as the others'.");
}

}  // namespace

std::vector<std::string> summary(const Inspection& inspection) {
  std::vector<std::string> sentences{about_begin(inspection.text)};
  const Heads heads = head_facts(inspection);
  if (heads.empty()) {
    sentences.push_back("No layer has softmax attention: there are no heads to look at.");
  } else {
    sentences.push_back(about_first_token(heads));
    sentences.push_back(about_other_columns(heads));
    if (inspection.text.special_inside > 0) {
      sentences.push_back(about_special(inspection.text, heads));
    }
    sentences.push_back(about_sleep(inspection, heads));
    sentences.push_back(about_inequality(inspection));
    sentences.push_back(about_value(heads));
    sentences.push_back(about_honor(inspection));
  }
  if (inspection.interventions && !inspection.interventions->curves.empty()) {
    sentences.push_back(about_interventions(*inspection.interventions));
  }
  sentences.push_back(about_activations(inspection));
  return sentences;
}

}  // namespace sinkwise::inspect
