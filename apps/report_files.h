#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sinkwise/compare/comparison.h"
#include "sinkwise/report/document.h"

namespace sinkwise::apps {

// ResourceError unless `out` is a directory that can be written to, or one can be made there: asked
// before long work and not found out after it. Changes nothing.
void require_directory(const std::filesystem::path& out);

// Writes report.html and report.json to `out`, which is made when missing, and gives the line that
// says where the page is.
std::string write_report_files(const std::filesystem::path& out, const report::Document& document,
                               const nlohmann::json& json);

// Where a report goes and what stands in it.
struct ReportPlace {
  std::filesystem::path out;
  std::string command;  // repeats it
  bool json = false;    // report.json on stdout as well, instead of table and page
};

// The report of finished runs: both files; the table and that line on stdout.
void write_report(const std::vector<std::filesystem::path>& runs,
                  const std::vector<compare::Overhead>& overhead, const ReportPlace& place);

// The same of two inspections; `shared_heads` as in compare_inspections().
void write_change(const std::filesystem::path& before, const std::filesystem::path& after,
                  std::optional<std::int64_t> shared_heads, const ReportPlace& place);

}  // namespace sinkwise::apps
