#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "sinkwise/report/chart.h"

namespace sinkwise::report {

// "#0072b2"
std::string colour(Tone tone);

// {"data": [traces], "layout": {...}} for Plotly.newPlot: what differs between charts. Fonts, grid
// lines and margins, the same for all, are in page/page.js. Numbers keep six significant digits,
// beyond what a screen can show; a value that is not finite becomes null, a gap.
nlohmann::json plotly_figure(const Chart& chart, bool legend);

}  // namespace sinkwise::report
