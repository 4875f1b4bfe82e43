#include "facts.h"

#include <algorithm>

#include "sinkwise/core/head_limits.h"
#include "sinkwise/core/statistics.h"
#include "sinkwise/core/text.h"

namespace sinkwise::inspect {

std::vector<double> honor_over_mean(const LayerInspection& layer) {
  std::vector<double> scores = layer.heads.output_norm;
  const double scale = mean(scores);
  if (scale == 0.0) return scores;  // a layer that puts out nothing
  for (double& score : scores) score /= scale;
  return scores;
}

std::vector<HeadFacts> head_facts(const Inspection& inspection) {
  std::vector<HeadFacts> facts;
  for (std::size_t layer = 0; layer < inspection.layers.size(); ++layer) {
    const LayerInspection& l = inspection.layers[layer];
    const auto honor = honor_over_mean(l);
    const bool narrow = l.window && *l.window < std::min(kFewestRows, inspection.text.length);
    for (std::size_t h = 0; h < l.heads.importance.size(); ++h) {
      facts.push_back(
          {static_cast<std::int64_t>(layer), static_cast<std::int64_t>(h), l.heads.importance[h],
           l.heads.first_token_weight[h], l.columns.sink_rate[h], l.columns.elsewhere[h],
           l.columns.marked[h], l.heads.value_drain[h], honor[h], l.columns.entropy[h],
           l.geometry.cosine_first[h] - l.geometry.cosine_others[h],
           l.geometry.norms_first[h] / l.geometry.norms_others[h], l.geometry.key_rank[h], narrow});
    }
  }
  return facts;
}

bool sinks_into_first(const HeadFacts& head) { return head.sink_rate >= 0.5; }
bool sinks_elsewhere(const HeadFacts& head) { return head.elsewhere > kSinkWeight && !head.narrow; }

std::string Selection::layers() const {
  if (count == 0) return "none";
  if (first_layer == last_layer) return concat("layer ", first_layer);
  return concat("layers ", first_layer, " to ", last_layer);
}

Selection select(const std::vector<HeadFacts>& heads,
                 const std::function<bool(const HeadFacts&)>& holds) {
  Selection selection;
  for (const HeadFacts& head : heads) {
    if (!holds(head)) continue;
    if (selection.count++ == 0) selection.first_layer = head.layer;
    selection.last_layer = head.layer;
  }
  return selection;
}

std::string counted(std::int64_t count, const char* noun) {
  return concat(count, " ", noun, count == 1 ? "" : "s");
}

std::vector<double> values_of(const std::vector<HeadFacts>& heads, double HeadFacts::*member) {
  std::vector<double> values;
  for (const HeadFacts& head : heads) values.push_back(head.*member);
  return values;
}

}  // namespace sinkwise::inspect
