#pragma once

#include "sinkwise/config/table.h"

namespace sinkwise::apps {

// Every key of a table with its default, unit, range and help, on stdout.
void print_keys(const config::Table& table, bool as_json);

}  // namespace sinkwise::apps
