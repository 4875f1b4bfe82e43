#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "sinkwise/compare/comparison.h"
#include "sinkwise/report/document.h"

namespace sinkwise::apps {

// Writes report.html and report.json to `out`, which is made when missing, and gives the line that
// says where the page is.
std::string write_report_files(const std::filesystem::path& out, const report::Document& document,
                               const nlohmann::json& json);

// The report of finished runs: both files, the table and that line on stdout. `command` is what
// repeats it.
void write_report(const std::vector<std::filesystem::path>& runs,
                  const std::vector<compare::Overhead>& overhead, const std::filesystem::path& out,
                  const std::string& command);

}  // namespace sinkwise::apps
