#pragma once

#include <string>

#include "sinkwise/report/document.h"

namespace sinkwise::report {

// The list of names and, as JSON, the maps behind them; the drawing is the figure of that number.
std::string map_list_html(const MapList& list, int number);

}  // namespace sinkwise::report
