#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "sinkwise/inspect/inspection.h"
#include "sinkwise/report/document.h"

namespace sinkwise::inspect {

// What the figures say, one sentence each with the numbers behind it, what is not clear-cut
// included.
std::vector<std::string> summary(const Inspection& inspection);

// The page; `command` is what repeats it.
report::Document to_document(const Inspection& inspection, const std::string& command);

// The same for programs: docs/inspection_schema.md.
nlohmann::json to_json(const Inspection& inspection);

// The summary and one line a layer, for a terminal of `columns` (at least 60) and `rows`; of many
// layers the most telling ones that there is room for, and never fewer than four; on a small one
// the last sentences of the summary are only counted. Names from files cannot drive the terminal.
std::string to_terminal(const Inspection& inspection, int columns = 100, int rows = 40);

}  // namespace sinkwise::inspect
