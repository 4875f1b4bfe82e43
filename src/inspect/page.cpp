#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "facts.h"
#include "sinkwise/core/text.h"
#include "sinkwise/inspect/output.h"
#include "sinkwise/report/format.h"

namespace sinkwise::inspect {
namespace {

using report::Chart;
using report::HeatMap;
using report::Line;
using report::Paragraph;
using report::Section;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostRows = 2000;  // of the table of heads

// [L][H] of one figure; layers without heads are left out, shorter ones filled up.
struct Map {
  std::string title, value_title, caption;
  std::optional<std::pair<double, double>> range;
  std::function<std::vector<double>(const LayerInspection&)> values;
};

HeatMap heat_map(const Inspection& inspection, const Map& map, bool sorted) {
  HeatMap heat{{}, {}, {}, map.value_title, map.range};
  for (std::int64_t h = 0; h < inspection.model.heads; ++h) {
    heat.columns.push_back(sorted ? concat("#", h + 1) : concat(h));
  }
  for (std::size_t layer = 0; layer < inspection.layers.size(); ++layer) {
    if (!inspection.layers[layer].has_heads) continue;
    std::vector<double> row = map.values(inspection.layers[layer]);
    if (sorted) std::sort(row.begin(), row.end(), std::greater<>());
    row.resize(heat.columns.size(), kNan);
    heat.rows.push_back(concat("layer ", layer));
    heat.values.push_back(std::move(row));
  }
  return heat;
}

Chart map_chart(const Inspection& inspection, const Map& map, bool sorted = false) {
  HeatMap heat = heat_map(inspection, map, sorted);
  const int height = std::clamp(90 + 16 * static_cast<int>(heat.rows.size()), 160, 760);
  return {map.title + (sorted ? ", sorted within each layer" : ""),
          {sorted ? "head, from the most to the least" : "head"},
          {""},
          map.caption,
          std::move(heat),
          height};
}

// Layers on the x axis.
Line over_layers(const Inspection& inspection, const std::string& name, report::Tone tone,
                 const std::function<double(const LayerInspection&)>& value, bool heads_only) {
  Line line{name, tone, {}, {}};
  for (std::size_t layer = 0; layer < inspection.layers.size(); ++layer) {
    const LayerInspection& l = inspection.layers[layer];
    line.x.push_back(static_cast<double>(layer));
    line.y.push_back(heads_only && !l.has_heads ? kNan : value(l));
  }
  return line;
}

Chart layer_chart(const std::string& title, report::Axis y, const std::string& caption,
                  std::vector<Line> lines) {
  return {title, {"layer"}, std::move(y), caption, report::LineChart{std::move(lines)}};
}

Section summary_section(const Inspection& inspection) {
  Section section{"summary", "What the figures say", {}};
  report::Bullets bullets;
  for (const std::string& sentence : summary(inspection)) bullets.items.emplace_back(sentence);
  section.blocks.push_back(std::move(bullets));
  section.blocks.push_back(
      Paragraph(concat("Loss ", report::fixed(inspection.loss, 4), " nats a token, ",
                       report::fixed(inspection.bits_per_byte, 4), " bits a byte, over ",
                       inspection.text.windows, " windows of ", inspection.text.length,
                       " tokens that do not overlap. All figures below are "
                       "means over these windows; another text or length gives others.")));
  return section;
}

Section importance_section(const Inspection& inspection) {
  Section section{"importance", "Which heads are awake", {}};
  section.blocks.push_back(Paragraph(concat(
      "The importance of a head is its mean gate, read from the ", inspection.model.gate,
      ": how much of its attention goes to something else than a sink (arXiv 2602.01203). Rows "
      "whose gate is fixed by construction do not count.")));
  const Map map{"Importance", "mean gate", "1: always open, 0: asleep.", std::pair(0.0, 1.0),
                [](const LayerInspection& l) { return l.heads.importance; }};
  section.blocks.push_back(
      report::Grid{{map_chart(inspection, map), map_chart(inspection, map, true)}, true, 420});
  auto line = [&](const char* name, report::Tone tone, double LayerInspection::*value) {
    return over_layers(
        inspection, name, tone, [value](const auto& l) { return l.*value; }, true);
  };
  const auto H = static_cast<double>(inspection.model.heads);
  section.blocks.push_back(report::Grid{
      {layer_chart("Inequality of the heads of a layer", {"coefficient of variation"},
                   "Population standard deviation of importance over its mean. Read it with the "
                   "mean gate.",
                   {line("CV", 0, &LayerInspection::cv)}),
       layer_chart("Gates of a layer", {"gate", std::pair(0.0, 1.0)},
                   "Mean, lowest and highest importance of the layer's heads.",
                   {line("mean", 0, &LayerInspection::mean_gate),
                    line("lowest", 1, &LayerInspection::min_gate),
                    line("highest", 2, &LayerInspection::max_gate)}),
       layer_chart("Effective heads", {"heads", std::pair(0.0, 1.05 * H)},
                   concat("H / (1 + CV^2) of ", inspection.model.heads, " heads."),
                   {line("effective", 0, &LayerInspection::effective_heads)})},
      false,
      300});
  return section;
}

Section sinks_section(const Inspection& inspection) {
  Section section{"sinks", "Where the sinks are", {}};
  section.blocks.push_back(Paragraph(
      "A sink is a column that receives much attention whatever the row. Most models use the first "
      "token; the second map shows the heaviest other column, so that a sink that moved is not "
      "mistaken for none."));
  const Map first{"Weight on the first token", "mean weight", "Mean over all rows but the first.",
                  std::pair(0.0, 1.0),
                  [](const LayerInspection& l) { return l.heads.first_token_weight; }};
  const Map other{"Heaviest column that is not the first", "share of all attention",
                  "Heaviest of each window, then averaged.", std::pair(0.0, 1.0),
                  [](const LayerInspection& l) { return l.columns.elsewhere; }};
  const Map drain{"Value of the first token", "norm over the others'",
                  "Norm of the first token's value over the mean norm of the others. Below 0.2 the "
                  "sink does nothing (arXiv 2606.08105); near 1 it writes as much as any token.",
                  std::nullopt, [](const LayerInspection& l) { return l.heads.value_drain; }};
  const Map entropy{"Entropy of attention", "nats", "Mean over rows: 0 looks at one key.",
                    std::nullopt, [](const LayerInspection& l) { return l.columns.entropy; }};
  section.blocks.push_back(
      report::Grid{{map_chart(inspection, first), map_chart(inspection, other),
                    map_chart(inspection, drain), map_chart(inspection, entropy)},
                   true,
                   420});
  return section;
}

Section gates_section(const Inspection& inspection) {
  Section section{"gates", "How gates are spread", {}};
  std::vector<double> shares(static_cast<std::size_t>(probes::kGateBins), 0.0);
  double heads = 0.0;
  for (const LayerInspection& layer : inspection.layers) {
    for (const auto& head : layer.heads.gate_histogram) {
      for (std::size_t bin = 0; bin < shares.size(); ++bin) shares[bin] += head[bin];
      heads += 1.0;
    }
  }
  for (double& share : shares) share /= std::max(heads, 1.0);
  section.blocks.push_back(Chart{"Gates of all rows and heads",
                                 {"gate", std::pair(0.0, 1.0)},
                                 {"share of rows"},
                                 "A head that is half open on average may be half open always, or "
                                 "open for some tokens and closed for the rest.",
                                 report::Histogram{0.0, 1.0, {{"all heads", 0, shares}}}});
  return section;
}

Section geometry_section(const Inspection& inspection) {
  Section section{"geometry", "How queries and keys lie", {}};
  section.blocks.push_back(Paragraph(
      "With a sink on the first token, queries crowd round its key. The cosine says so, where the "
      "norm of that key is usually small. The effective rank tells how many directions the keys of "
      "a head use."));
  const Map cosine{"Cosine of queries with the first key", "cosine",
                   "Mean over rows but the first.", std::pair(-1.0, 1.0),
                   [](const LayerInspection& l) { return l.geometry.cosine_first; }};
  const Map others{"Cosine of queries with the other keys", "cosine",
                   "Mean over rows and keys but the first; the causal order is ignored.",
                   std::pair(-1.0, 1.0),
                   [](const LayerInspection& l) { return l.geometry.cosine_others; }};
  const Map norm{"Norm of the first key", "over the others'", "Below 1: a small key.", std::nullopt,
                 [](const LayerInspection& l) { return l.geometry.key_norm_ratio; }};
  const Map rank{"Effective rank of the keys", concat("of ", inspection.model.head_size),
                 "exp of the entropy of the singular values.", std::nullopt,
                 [](const LayerInspection& l) { return l.geometry.key_rank; }};
  section.blocks.push_back(
      report::Grid{{map_chart(inspection, cosine), map_chart(inspection, others),
                    map_chart(inspection, norm), map_chart(inspection, rank)},
                   true,
                   420});
  return section;
}

Section cost_section(const Inspection& inspection) {
  const Interventions& i = *inspection.interventions;
  Section section{"cost", "What silencing heads costs", {}};
  section.blocks.push_back(Paragraph(concat(
      "Loss on ", i.windows,
      " windows after the outputs of heads were set to zero, the lowest "
      "first by each order. An order is good when its curve stays low. HONOR is the mean norm of a "
      "head's output (arXiv 2504.03889); the gradient is that of the loss by a factor on the "
      "head's output, without its sign (arXiv 1905.10650).")));
  report::LineChart chart;
  report::Tone tone = 0;
  for (const PruningCurve& curve : i.curves) {
    Line line{"by " + curve.order, tone++, {0.0}, {i.loss}};
    if (!curve.spread.empty()) line.low = line.high = {i.loss};
    for (std::size_t at = 0; at < curve.silenced.size(); ++at) {
      line.x.push_back(static_cast<double>(curve.silenced[at]));
      line.y.push_back(curve.loss[at]);
      if (curve.spread.empty()) continue;
      line.low.push_back(curve.loss[at] - curve.spread[at]);
      line.high.push_back(curve.loss[at] + curve.spread[at]);
    }
    chart.lines.push_back(std::move(line));
  }
  section.blocks.push_back(Chart{"Loss against silenced heads",
                                 {"heads silenced"},
                                 {"loss (nats a token)"},
                                 "The band of the random order is its sample standard deviation.",
                                 std::move(chart),
                                 320});
  section.blocks.push_back(
      Paragraph(concat("With the first token's value set to 0 in every layer the loss is ",
                       report::fixed(i.loss_without_first_value, 4), " instead of ",
                       report::fixed(i.loss, 4), " nats.")));
  return section;
}

Section activations_section(const Inspection& inspection) {
  Section section{"activations", "Outliers of the residual stream", {}};
  auto line = [&](const char* name, report::Tone tone, double probes::Activations::*value) {
    return over_layers(
        inspection, name, tone, [value](const auto& l) { return l.activations.*value; }, false);
  };
  section.blocks.push_back(report::Grid{
      {layer_chart("Kurtosis of the channels", {"kurtosis", std::nullopt, true},
                   concat("Of the channels' root mean squares: 1 when all are alike, ",
                          inspection.model.width, " when one has everything."),
                   {line("kurtosis", 0, &probes::Activations::kurtosis)}),
       layer_chart("Largest activation over the median", {"ratio", std::nullopt, true},
                   "The worst window.",
                   {line("largest / median", 1, &probes::Activations::max_to_median)}),
       layer_chart("Length of the first token's state", {"over the others'", std::nullopt, true},
                   "After each layer.",
                   {line("first / others", 2, &probes::Activations::first_to_others)})},
      false,
      300});
  return section;
}

// Keys after the row leave their cells empty.
std::vector<std::vector<double>> without_upper(std::vector<std::vector<double>> weights) {
  for (std::size_t row = 0; row < weights.size(); ++row) {
    std::fill(weights[row].begin() + static_cast<std::ptrdiff_t>(row) + 1, weights[row].end(),
              kNan);
  }
  return weights;
}

// What the rows and keys of a map are; the position keeps equal tokens apart.
std::vector<std::string> numbered(const std::vector<std::string>& tokens) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < tokens.size(); ++i)
    names.push_back(concat(i, " ", printable(tokens[i])));
  return names;
}

Section maps_section(const Inspection& inspection) {
  Section section{"maps", "One head at a time", {}};
  section.blocks.push_back(
      Paragraph(concat("Attention weights on the first ", inspection.map_tokens.size(),
                       " tokens of the first window. A sink is a bright column; a head that looks "
                       "at the token before "
                       "is a bright line below the diagonal.")));
  report::MapList list;
  list.label = "layer.head";
  const auto names = numbered(inspection.map_tokens);
  for (const HeadMap& map : inspection.maps) {
    list.maps.push_back({concat(map.layer, ".", map.head), without_upper(map.weights)});
  }
  list.first = {"Weights of a head",
                {"key"},
                {"row"},
                "Rows add up to 1, less where a learned sink takes a part. In 64 steps.",
                HeatMap{names, names, list.maps.front().values, "weight", std::pair(0.0, 1.0)},
                620};
  section.blocks.push_back(std::move(list));
  return section;
}

report::Cell number(double value, int decimals) {
  return {report::fixed(value, decimals),
          std::isfinite(value) ? std::optional(value) : std::nullopt};
}

Section table_section(const Inspection& inspection) {
  Section section{"heads", "All heads", {}};
  report::Table table{
      concat("Click a title to sort. The first ", kMostRows, " heads at most."),
      {{"head", report::Align::left, "layer.head"},
       {"importance", report::Align::right, "mean gate"},
       {"first token", report::Align::right, "mean weight on it"},
       {"Sink_1", report::Align::right, "share of windows above 0.3"},
       {"other column", report::Align::right, "mass of the heaviest other column"},
       {"value drain", report::Align::right, "norm of the first value over the others'"},
       {"HONOR (LN)", report::Align::right, "output norm over its layer's mean"},
       {"entropy", report::Align::right, "nats"},
       {"cosine gap", report::Align::right, "cosine of queries with the first key minus others"},
       {"key rank", report::Align::right, "effective rank of the keys"}},
      {}};
  for (const HeadFacts& h : head_facts(inspection)) {
    if (table.rows.size() == kMostRows) break;
    const double place = static_cast<double>(h.layer) * 1e4 + static_cast<double>(h.head);
    table.rows.push_back({{concat(h.layer, ".", h.head), place},
                          number(h.importance, 3),
                          number(h.first_token_weight, 3),
                          number(h.sink_rate, 2),
                          number(h.elsewhere, 3),
                          number(h.value_drain, 2),
                          number(h.honor_ln, 2),
                          number(h.entropy, 2),
                          number(h.cosine_gap, 2),
                          number(h.key_rank, 1)});
  }
  section.blocks.push_back(std::move(table));
  return section;
}

Section closing_section(const std::string& command) {
  Section section{"again", "The same again", {}};
  section.blocks.push_back(report::Code{command});
  return section;
}

}  // namespace

report::Document to_document(const Inspection& inspection, const std::string& command) {
  const ModelFacts& m = inspection.model;
  report::Document document;
  document.title = concat("Heads of ", std::filesystem::path(m.path).filename().string());
  document.subtitle = concat(m.model_type, ": ", m.layers, " layers, ", m.heads, " heads (",
                             m.key_heads, " of keys), width ", m.width);
  document.provenance = {
      {"text", join(inspection.text.files)},
      {"windows", concat(inspection.text.windows, " of ", inspection.text.length)},
      {"gate", m.gate}};
  document.sections.push_back(summary_section(inspection));
  if (m.heads > 0) {
    document.sections.push_back(importance_section(inspection));
    document.sections.push_back(sinks_section(inspection));
    document.sections.push_back(gates_section(inspection));
    if (inspection.interventions) document.sections.push_back(cost_section(inspection));
    document.sections.push_back(geometry_section(inspection));
  }
  document.sections.push_back(activations_section(inspection));
  if (!inspection.maps.empty()) document.sections.push_back(maps_section(inspection));
  if (m.heads > 0) document.sections.push_back(table_section(inspection));
  document.sections.push_back(closing_section(command));
  return document;
}

}  // namespace sinkwise::inspect
