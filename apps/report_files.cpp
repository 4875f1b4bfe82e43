#include "report_files.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "sinkwise/compare/output.h"
#include "sinkwise/compare/run.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/report/html.h"

namespace sinkwise::apps {

void write_report(const std::vector<std::filesystem::path>& runs,
                  const std::vector<compare::Overhead>& overhead, const std::filesystem::path& out,
                  const std::string& command) {
  std::vector<compare::Run> loaded;
  for (const auto& run : runs) loaded.push_back(compare::load_run(run));
  const compare::Comparison comparison = compare::compare(std::move(loaded), overhead);
  make_directories(out);
  write_file_atomically(out / "report.json", json_text(compare::to_json(comparison), 1) + "\n");
  write_file_atomically(out / "report.html",
                        report::render_html(compare::to_document(comparison, command)));
  std::cout << compare::to_terminal(comparison) << "\nreport: "
            << std::filesystem::absolute(out / "report.html").lexically_normal().string() << '\n';
}

}  // namespace sinkwise::apps
