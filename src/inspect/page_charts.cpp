#include "page_charts.h"

#include <algorithm>
#include <limits>

#include "sinkwise/core/text.h"

namespace sinkwise::inspect {
namespace {

using report::Chart;
using report::HeatMap;
using report::Line;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

HeatMap heat_map(const Inspection& inspection, const Map& map) {
  HeatMap heat{{}, {}, {}, map.value_title, map.range};
  heat.sortable = true;
  for (std::int64_t h = 0; h < inspection.model.heads; ++h) heat.columns.push_back(concat(h));
  for (std::size_t layer = 0; layer < inspection.layers.size(); ++layer) {
    if (!inspection.layers[layer].has_heads) continue;
    std::vector<double> row = map.values(inspection.layers[layer]);
    row.resize(heat.columns.size(), kNan);
    heat.rows.push_back(concat("layer ", layer));
    heat.values.push_back(std::move(row));
  }
  return heat;
}

}  // namespace

Chart map_chart(const Inspection& inspection, const Map& map) {
  HeatMap heat = heat_map(inspection, map);
  const int height = std::clamp(90 + 16 * static_cast<int>(heat.rows.size()), 160, 760);
  return {map.title, {"head"}, {""}, map.caption, std::move(heat), height};
}

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

}  // namespace sinkwise::inspect
