#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "sinkwise/compare/before_after.h"
#include "sinkwise/compare/comparison.h"
#include "sinkwise/report/document.h"

namespace sinkwise::compare {

// The page: verdicts, tables, curves, heads, costs, limits, and `command`, which repeats it all.
report::Document to_document(const Comparison& comparison, const std::string& command);

// The same for programs: docs/report_schema.md.
nlohmann::json to_json(const Comparison& comparison);

inline constexpr int kFewestColumns = 60;

// The same for a terminal: one line an arm, then one an answer. No line is wider than `width`
// columns, kFewestColumns or more; names from files cannot drive the terminal.
std::string to_terminal(const Comparison& comparison, int width = 100);

// The same three of two inspections: docs/before_after_schema.md.
report::Document to_document(const BeforeAfter& change, const std::string& command);
nlohmann::json to_json(const BeforeAfter& change);
std::string to_terminal(const BeforeAfter& change, int width = 100);

}  // namespace sinkwise::compare
