#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sinkwise/compare/comparison.h"

namespace sinkwise::apps {

// Writes report.html and report.json to `out`, prints the table to stdout and where the page is.
// `command` is what repeats it.
void write_report(const std::vector<std::filesystem::path>& runs,
                  const std::vector<compare::Overhead>& overhead, const std::filesystem::path& out,
                  const std::string& command);

}  // namespace sinkwise::apps
