#pragma once

#include <string>

#include "sinkwise/eval/output.h"

namespace sinkwise::apps {

// One line a metric, with its difference where there is one; then the groups, one line each.
std::string evaluation_table(const eval::Evaluation& evaluation);

}  // namespace sinkwise::apps
