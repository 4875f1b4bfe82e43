#pragma once

#include <string>

#include "sinkwise/report/chart.h"

namespace sinkwise::report {

// A <figure>: title, drawing, caption and the data as a table. `number` makes its ids unique in the
// page.
std::string figure_html(const Chart& chart, bool legend, int number);

// The names of a grid's series with their colours, once each in the order of first use; empty when
// there is one name or none.
std::string legend_html(const Grid& grid);

}  // namespace sinkwise::report
