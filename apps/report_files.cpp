#include "report_files.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "console.h"
#include "sinkwise/compare/before_after.h"
#include "sinkwise/compare/output.h"
#include "sinkwise/compare/run.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/html.h"

namespace sinkwise::apps {

void require_directory(const std::filesystem::path& out) {
  namespace fs = std::filesystem;
  if (out.empty())
    throw BadConfig({"no directory is named", "--out", "a path", "an empty text", ""});
  std::error_code missing;
  fs::path at = fs::absolute(out).lexically_normal();
  while (!fs::exists(at, missing) && at.has_relative_path()) at = at.parent_path();
  const bool directory = fs::is_directory(at, missing);
  if (directory && access(at.c_str(), W_OK | X_OK) == 0) return;
  throw ResourceError({"the report cannot be written", concat("--out ", printable(out.string())),
                       "a directory that can be written to, or a place for one",
                       concat(printable(at.string()), directory ? ", read only" : ", a file"),
                       "choose another --out"});
}

std::string write_report_files(const std::filesystem::path& out, const report::Document& document,
                               const nlohmann::json& json) {
  make_directories(out);
  write_file_atomically(out / "report.json", json_text(json, 1) + "\n");
  write_file_atomically(out / "report.html", report::render_html(document));
  return concat(
      "report: ", std::filesystem::absolute(out / "report.html").lexically_normal().string(), "\n");
}

namespace {

template <typename Result>
void show(const Result& result, const ReportPlace& place) {
  const nlohmann::json json = compare::to_json(result);
  const std::string page =
      write_report_files(place.out, compare::to_document(result, place.command), json);
  if (place.json) {
    std::cout << json_text(json, 1) << '\n';
  } else {
    const int columns = std::max(screen_of_output().columns, compare::kFewestColumns);
    std::cout << compare::to_terminal(result, columns) << '\n' << page;
  }
}

}  // namespace

void write_report(const std::vector<std::filesystem::path>& runs,
                  const std::vector<compare::Overhead>& overhead, const ReportPlace& place) {
  std::vector<compare::Run> loaded;
  for (const auto& run : runs) loaded.push_back(compare::load_run(run));
  show(compare::compare(std::move(loaded), overhead), place);
}

void write_change(const std::filesystem::path& before, const std::filesystem::path& after,
                  std::optional<std::int64_t> shared_heads, const ReportPlace& place) {
  show(compare::compare_inspections(compare::load_inspection(before),
                                    compare::load_inspection(after), shared_heads),
       place);
}

}  // namespace sinkwise::apps
