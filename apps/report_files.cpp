#include "report_files.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "sinkwise/compare/output.h"
#include "sinkwise/compare/run.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/html.h"

namespace sinkwise::apps {

std::string write_report_files(const std::filesystem::path& out, const report::Document& document,
                               const nlohmann::json& json) {
  make_directories(out);
  write_file_atomically(out / "report.json", json_text(json, 1) + "\n");
  write_file_atomically(out / "report.html", report::render_html(document));
  return concat(
      "report: ", std::filesystem::absolute(out / "report.html").lexically_normal().string(), "\n");
}

void write_report(const std::vector<std::filesystem::path>& runs,
                  const std::vector<compare::Overhead>& overhead, const std::filesystem::path& out,
                  const std::string& command) {
  std::vector<compare::Run> loaded;
  for (const auto& run : runs) loaded.push_back(compare::load_run(run));
  const compare::Comparison comparison = compare::compare(std::move(loaded), overhead);
  const std::string page = write_report_files(out, compare::to_document(comparison, command),
                                              compare::to_json(comparison));
  std::cout << compare::to_terminal(comparison) << '\n' << page;
}

}  // namespace sinkwise::apps
