#include <algorithm>
#include <cmath>
#include <limits>

#include "facts.h"
#include "page_charts.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/format.h"

namespace sinkwise::inspect {
namespace {

using report::HeatMap;
using report::Paragraph;
using report::Section;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostRows = 2000;  // of the table of heads

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

report::Cell number(double value, int decimals) {
  return {report::fixed(value, decimals),
          std::isfinite(value) ? std::optional(value) : std::nullopt};
}

}  // namespace

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

Section table_section(const Inspection& inspection) {
  Section section{"heads", "All heads", {}};
  report::Table table{
      concat("A title sorts by its column. The first ", kMostRows, " heads at most."),
      {{"head", report::Align::left, "layer.head"},
       {"importance", report::Align::right, "mean gate"},
       {"first token", report::Align::right, "mean weight on it"},
       {"Sink_1", report::Align::right, "share of windows above 0.3"},
       {"other column", report::Align::right,
        "share that the heaviest other column gets of the attention of the rows that can see it"},
       {"value drain", report::Align::right,
        "norm of the first value over the others': below 0.2 a no-op sink, near 1 a broadcast"},
       {"HONOR (LN)", report::Align::right, "output norm over its layer's mean"},
       {"entropy", report::Align::right, "nats"},
       {"cosine gap", report::Align::right, "cosine of queries with the first key minus others"},
       {"norm product", report::Align::right,
        "norms of queries times that of the first key, over the same for the other keys"},
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
                          number(h.norm_product, 2),
                          number(h.key_rank, 1)});
  }
  section.blocks.push_back(std::move(table));
  return section;
}

}  // namespace sinkwise::inspect
