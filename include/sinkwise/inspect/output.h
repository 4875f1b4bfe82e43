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

// The summary and one line a layer (the most telling ones when there are many), for a terminal of
// `width` columns, at least 60. Names from files cannot drive the terminal.
std::string to_terminal(const Inspection& inspection, int width = 100);

}  // namespace sinkwise::inspect
