#include <algorithm>
#include <cmath>
#include <functional>

#include "before_after_parts.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

using report::Chart;
using report::HeatMap;
using report::Line;
using report::Paragraph;
using report::PointSeries;
using report::Section;

// The same in all charts of the page.
constexpr report::Tone kBefore = 0, kAfter = 1, kShared = 2, kRouted = 3, kChance = 6;

int map_height(std::size_t rows) { return std::clamp(90 + 16 * static_cast<int>(rows), 160, 760); }

// [L][H] over the layers that have heads.
HeatMap head_map(const BeforeAfter& change, const std::string& value_title,
                 std::pair<double, double> range,
                 const std::function<double(const Change&)>& value) {
  HeatMap map{{}, {}, {}, value_title, range};
  for (std::int64_t head = 0; head < change.before.heads; ++head)
    map.columns.push_back(concat(head));
  std::int64_t layer = -1;
  for (const ChangedHead& head : change.heads) {
    if (head.layer != layer) {
      layer = head.layer;
      map.rows.push_back(concat("layer ", layer));
      map.values.emplace_back();
    }
    map.values.back().push_back(value(head.importance));
  }
  return map;
}

Chart map_chart(const std::string& title, const std::string& caption, HeatMap map) {
  const int height = map_height(map.rows.size());
  return {title, {"head"}, {""}, caption, std::move(map), height};
}

// The largest change of a gate, and not so small that noise would look like a change.
double largest_change(const BeforeAfter& change) {
  double largest = 0.05;
  for (const ChangedHead& head : change.heads)
    largest = std::max(largest, std::abs(head.importance.difference()));
  return largest;
}

// Before and after over the layers of the model.
Chart layer_chart(const BeforeAfter& change, const std::string& title, report::Axis y,
                  const std::string& caption, Change ChangedLayer::*figure) {
  Line before{"before", kBefore, {}, {}}, after{"after", kAfter, {}, {}};
  for (std::size_t layer = 0; layer < change.layers.size(); ++layer) {
    before.x.push_back(static_cast<double>(layer));
    before.y.push_back((change.layers[layer].*figure).before);
    after.y.push_back((change.layers[layer].*figure).after);
  }
  after.x = before.x;
  return {title, {"layer"}, std::move(y), caption, report::LineChart{{before, after}}};
}

Chart head_scatter(const BeforeAfter& change, const std::string& title, const std::string& axis,
                   const std::string& caption, Change ChangedHead::*figure) {
  PointSeries shared{concat("top ", change.shared_heads, " of its layer before"), kShared, {}, {}},
      routed{change.shared_heads > 0 ? "all others" : "all heads", kRouted, {}, {}};
  for (const ChangedHead& head : change.heads) {
    PointSeries& series = head.shared ? shared : routed;
    series.x.push_back((head.*figure).before);
    series.y.push_back((head.*figure).after);
    series.labels.push_back(concat("layer ", head.layer, ", head ", head.head));
  }
  const auto range = std::pair(-0.02, 1.02);
  return {title,
          {axis + " before", range},
          {axis + " after", range},
          caption,
          report::Scatter{change.shared_heads > 0
                              ? std::vector<PointSeries>{std::move(routed), std::move(shared)}
                              : std::vector<PointSeries>{std::move(routed)},
                          true},
          420};
}

Line pruning_line(const InspectedPruning& curve, const char* name, report::Tone tone) {
  Line line{name, tone, curve.silenced, curve.rise};
  for (std::size_t i = 0; i < curve.spread.size(); ++i) {
    line.low.push_back(curve.rise[i] - curve.spread[i]);
    line.high.push_back(curve.rise[i] + curve.spread[i]);
  }
  return line;
}

}  // namespace

Section maps_section(const BeforeAfter& change) {
  Section section{"maps", "Importance of every head", {}};
  section.blocks.push_back(Paragraph(concat(
      "The importance of a head is its mean gate, read from the ", change.before.gate,
      ": how much of its attention goes to something else than a sink. Heads keep their place in "
      "training, so the maps are compared cell by cell.")));
  const double most = largest_change(change);
  HeatMap difference = head_map(change, "after less before", {-most, most},
                                [](const Change& gate) { return gate.difference(); });
  difference.diverging = true;
  section.blocks.push_back(report::Grid{
      {map_chart(
           "Before", "1: always open, 0: closed.",
           head_map(change, "mean gate", {0.0, 1.0}, [](const Change& g) { return g.before; })),
       map_chart(
           "After", "The same colours.",
           head_map(change, "mean gate", {0.0, 1.0}, [](const Change& g) { return g.after; })),
       map_chart("Difference", "Vermilion: opened. Blue: closed. White: as before.",
                 std::move(difference))},
      true,
      250});
  return section;
}

Section layers_section(const BeforeAfter& change) {
  Section section{"layers", "Layer by layer", {}};
  const report::Axis gate{"gate", std::pair(0.0, 1.0)};
  section.blocks.push_back(report::Grid{
      {layer_chart(change, "Inequality", {"CV"},
                   "Population standard deviation of importance over its mean. Read it with the "
                   "mean gate: it also falls when all gates open.",
                   &ChangedLayer::cv),
       layer_chart(change, "Mean gate", gate, "All heads of the layer.", &ChangedLayer::mean_gate),
       layer_chart(change, "Mean gate of the routed heads", gate,
                   change.shared_heads > 0
                       ? concat("Without the ", change.shared_heads, " most important before.")
                       : std::string("All of them: none stayed out of the balance."),
                   &ChangedLayer::routed_gate),
       layer_chart(change, "Lowest gate", gate, "Of the heads of the layer.",
                   &ChangedLayer::min_gate),
       layer_chart(change, "Gates above 0.9", {"share of heads", std::pair(0.0, 1.0)},
                   "Above one half the layer's heads are mostly pinned open.",
                   &ChangedLayer::open_share),
       layer_chart(change, "Effective heads",
                   {"heads", std::pair(0.0, 1.05 * static_cast<double>(change.before.heads))},
                   concat("H / (1 + CV^2) of ", change.before.heads, "."),
                   &ChangedLayer::effective_heads)},
      true,
      320});
  return section;
}

Section heads_section(const BeforeAfter& change) {
  Section section{"heads", "Head by head", {}};
  section.blocks.push_back(report::Grid{
      {head_scatter(change, "Gates", "gate", "Above the dotted line: opened. Each point is a head.",
                    &ChangedHead::importance),
       head_scatter(change, "Weight on the first token", "weight",
                    "Below the dotted line: sinks less into the first token.",
                    &ChangedHead::first_token_weight)},
      true,
      420});
  return section;
}

Section top_section(const BeforeAfter& change) {
  Section section{"top", "Are the important heads the same?", {}};
  const double chance =
      static_cast<double>(change.top_heads) / static_cast<double>(change.before.heads);
  Line overlap{"before and after", kAfter, {}, {}}, expected{"by chance", kChance, {}, {}};
  for (std::size_t layer = 0; layer < change.layers.size(); ++layer) {
    overlap.x.push_back(static_cast<double>(layer));
    overlap.y.push_back(change.layers[layer].top_overlap);
    expected.y.push_back(chance);
  }
  expected.x = overlap.x;
  section.blocks.push_back(
      Chart{concat("Top ", change.top_heads, " heads that stayed so"),
            {"layer"},
            {"share of them", std::pair(0.0, 1.05)},
            concat("Of the ", change.top_heads,
                   " heads of highest importance before, the share that is among them after."),
            report::LineChart{{overlap, expected}}});
  return section;
}

std::optional<Section> pruning_section(const BeforeAfter& change) {
  const auto pairs = pruning_pairs(change);
  if (pairs.empty()) return std::nullopt;
  Section section{"cost", "What silencing heads costs", {}};
  section.blocks.push_back(Paragraph(
      "Rise of each model's loss over its own with all heads, after its lowest heads were "
      "silenced. Steeper after than before: the work stands on more heads, or on others "
      "than the order says. The band of the random orders is their sample standard "
      "deviation."));
  report::Grid grid{{}, true, 320};
  for (const PruningPair& pair : pairs)
    grid.charts.push_back({"Lowest first by " + pair.before->order,
                           {"heads silenced"},
                           {"rise of the loss (nats)"},
                           "",
                           report::LineChart{{pruning_line(*pair.before, "before", kBefore),
                                              pruning_line(*pair.after, "after", kAfter)}}});
  section.blocks.push_back(std::move(grid));
  return section;
}

}  // namespace sinkwise::compare
