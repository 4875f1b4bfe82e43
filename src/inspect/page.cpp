#include <algorithm>
#include <filesystem>

#include "facts.h"
#include "page_charts.h"
#include "sinkwise/core/text.h"
#include "sinkwise/inspect/output.h"
#include "sinkwise/report/format.h"

namespace sinkwise::inspect {
namespace {

using report::Chart;
using report::Line;
using report::Paragraph;
using report::Section;

Section summary_section(const Inspection& inspection) {
  Section section{"summary", "What the figures say", {}};
  report::Bullets bullets;
  for (const std::string& sentence : summary(inspection)) bullets.items.emplace_back(sentence);
  section.blocks.push_back(std::move(bullets));
  section.blocks.push_back(
      Paragraph(concat("Loss ", report::fixed(inspection.loss, 4), " nats a token, ",
                       report::fixed(inspection.bits_per_byte, 4), " bits a byte, over ",
                       counted(inspection.text.windows, "window"), " of ", inspection.text.length,
                       " tokens that do not overlap. All figures below are "
                       "means over these windows; another text or length gives others.")));
  return section;
}

Section importance_section(const Inspection& inspection) {
  Section section{"importance", "Which heads are awake", {}};
  const bool explicit_gate = inspection.model.gate == kExplicitGate;
  section.blocks.push_back(Paragraph(
      concat("The importance of a head is its mean gate (arXiv 2602.01203), read from the ",
             inspection.model.gate,
             explicit_gate ? ": the factor on its output, whatever it attends to."
                           : ": how much of its attention goes to something else than a sink.",
             " Rows whose gate is fixed by construction do not count.")));
  const bool learned = inspection.model.gate == kLearnedSink;
  const Map gate{
      "Importance", "mean gate",
      concat("1: always open, 0: asleep.", learned ? " The learned sink has the rest." : ""),
      std::pair(0.0, 1.0), [](const LayerInspection& l) { return l.heads.importance; }};
  const Map honor{"Output of a head", "HONOR, 1: as its layer's mean",
                  "Mean norm of its output over the mean of its layer (arXiv 2504.03889): a second "
                  "opinion on which heads do little.",
                  std::nullopt, honor_over_mean};
  section.blocks.push_back(
      report::Grid{{map_chart(inspection, gate), map_chart(inspection, honor)}, true, 420});
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
  const Map first{"Weight on the first token", "mean weight",
                  "Mean over all rows but the first that see it.", std::pair(0.0, 1.0),
                  [](const LayerInspection& l) { return l.heads.first_token_weight; }};
  const Map other{
      "Heaviest column that is not the first", "share of all attention",
      "Heaviest of each text window, then averaged. In a layer that sees W tokens back: "
      "of W rows.",
      std::pair(0.0, 1.0), [](const LayerInspection& l) { return l.columns.elsewhere; }};
  const Map drain{"Value of the first token", "norm over the others'",
                  "Norm of the first token's value over the mean norm of the others. Below 0.2 the "
                  "sink does nothing (arXiv 2606.08105); near 1 it writes as much as any token.",
                  std::nullopt, [](const LayerInspection& l) { return l.heads.value_drain; }};
  const Map entropy{"Entropy of attention", "nats", "Mean over rows: 0 looks at one key.",
                    std::nullopt, [](const LayerInspection& l) { return l.columns.entropy; }};
  report::Grid grid{{map_chart(inspection, first), map_chart(inspection, other)}, true, 420};
  if (inspection.text.special_inside > 0) {
    const Map special{"Weight on special tokens inside windows", "mean weight",
                      "From each of them on; a second sink where it is like the first token's.",
                      std::pair(0.0, 1.0),
                      [](const LayerInspection& l) { return l.columns.marked; }};
    grid.charts.push_back(map_chart(inspection, special));
  }
  grid.charts.push_back(map_chart(inspection, drain));
  grid.charts.push_back(map_chart(inspection, entropy));
  section.blocks.push_back(std::move(grid));
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
  const Map norm{"Norm of the first key", "over the others'",
                 "Below 1: a small key. The norms of queries times it are in the table of heads.",
                 std::nullopt, [](const LayerInspection& l) { return l.geometry.key_norm_ratio; }};
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
      "Loss on ", counted(i.windows, "window"),
      " after the outputs of heads were set to zero, the lowest "
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

Section closing_section(const std::string& command) {
  Section section{"again", "The same again", {}};
  section.blocks.push_back(report::Code{command});
  return section;
}

// The last part of a path, also of "models/llama/" and ".".
std::string name_of(const std::string& path) {
  if (path.empty()) return path;
  std::filesystem::path whole = std::filesystem::absolute(path).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();
  return whole.filename().string();
}

}  // namespace

report::Document to_document(const Inspection& inspection, const std::string& command) {
  const ModelFacts& m = inspection.model;
  report::Document document;
  document.title = "Heads of " + name_of(m.path);
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
