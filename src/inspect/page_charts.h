#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sinkwise/inspect/inspection.h"
#include "sinkwise/report/document.h"

namespace sinkwise::inspect {

// [L][H] of one figure; layers without heads are left out, shorter ones filled up.
struct Map {
  std::string title, value_title, caption;
  std::optional<std::pair<double, double>> range;
  std::function<std::vector<double>(const LayerInspection&)> values;
};

report::Chart map_chart(const Inspection& inspection, const Map& map);

// A figure of layers, which are the x axis; a gap where a layer has no heads and needs some.
report::Line over_layers(const Inspection& inspection, const std::string& name, report::Tone tone,
                         const std::function<double(const LayerInspection&)>& value,
                         bool heads_only);

report::Chart layer_chart(const std::string& title, report::Axis y, const std::string& caption,
                          std::vector<report::Line> lines);

// One head at a time, by its weights on some tokens; the figures of all heads as a table.
report::Section maps_section(const Inspection& inspection);
report::Section table_section(const Inspection& inspection);

}  // namespace sinkwise::inspect
