#pragma once

#include <string>

#include "sinkwise/report/document.h"

namespace sinkwise::report {

// One block as HTML. `charts` counts the charts of the page so far and is advanced.
std::string block_html(const Block& block, int& charts);

}  // namespace sinkwise::report
