#include "before_after_parts.h"
#include "sinkwise/core/head_limits.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/format.h"

namespace sinkwise::compare {
namespace {

constexpr double kPinnedShare = 0.5;

std::vector<std::int64_t> layers_where(const BeforeAfter& change,
                                       bool (*holds)(const ChangedLayer&)) {
  std::vector<std::int64_t> layers;
  for (std::size_t layer = 0; layer < change.layers.size(); ++layer)
    if (holds(change.layers[layer])) layers.push_back(static_cast<std::int64_t>(layer));
  return layers;
}

void warn_of_drift(const BeforeAfter& change, std::vector<BeforeAfterWarning>& warnings) {
  const Change& routed = changed_figure(change, "routed_gate").value;
  if (!(routed.difference() > kGateDrift)) return;
  const auto layers = layers_where(change, [](const ChangedLayer& layer) {
    return layer.routed_gate.difference() > kGateDrift;
  });
  warnings.push_back(
      {"drift_to_open_gates", layers,
       concat("Drift to open gates: the mean gate of ",
              change.shared_heads > 0
                  ? concat("the heads that are not among the ", change.shared_heads,
                           " most important of their layer")
                  : std::string("all heads"),
              " rose by more than ", report::fixed(kGateDrift, 1), ", ", arrow(routed, 3),
              ", most in ", layers_text(layers),
              ". A CV that falls because gates open is no sharing of work."),
       "Lower the weight of the balance loss (lambda), or leave more heads of each layer out of it "
       "(shared heads m)."});
}

// Layers that were so before are no effect of the training.
void warn_of_pinning(const BeforeAfter& change, std::vector<BeforeAfterWarning>& warnings) {
  const auto layers = layers_where(change, [](const ChangedLayer& layer) {
    return layer.open_share.after > kPinnedShare && !(layer.open_share.before > kPinnedShare);
  });
  if (layers.empty()) return;
  warnings.push_back(
      {"pinning", layers,
       concat("Pinning: more than half of the heads have a gate above ",
              report::fixed(kOpenGate, 1), " in ", layers_text(layers),
              ", where they had not before. Heads that are always open hold nothing back."),
       "Leave the m most important heads of each layer out of the balance loss (shared heads), or "
       "lower its weight (lambda)."});
}

}  // namespace

std::vector<BeforeAfterWarning> warnings_of(const BeforeAfter& change) {
  std::vector<BeforeAfterWarning> warnings;
  warn_of_drift(change, warnings);
  warn_of_pinning(change, warnings);
  return warnings;
}

}  // namespace sinkwise::compare
