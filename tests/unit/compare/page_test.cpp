#include <cstdlib>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

#include "experiment.h"
#include "inspections.h"
#include "sinkwise/compare/output.h"
#include "sinkwise/report/html.h"

namespace sinkwise::compare {
namespace {

namespace fs = std::filesystem;

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

std::string contents(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class Page : public testing::Test {
 protected:
  ~Page() override {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }

  Comparison demonstration() {
    std::vector<compare::Run> runs;
    for (const fs::path& directory : write_demonstration(root_ / "runs"))
      runs.push_back(load_run(directory));
    return compare(std::move(runs));
  }

  // Opens the page in Chromium, which must draw every chart and complain of nothing.
  void expect_drawn(const report::Document& document, int least_charts) {
    if (std::system("command -v chromium > /dev/null 2>&1") != 0)
      GTEST_SKIP() << "no Chromium on PATH";
    const std::string html = report::render_html(document);
    const int charts = count(html, "<figure class=\"chart\"");
    EXPECT_GE(charts, least_charts);
    fs::create_directories(root_);
    std::ofstream(root_ / "page.html", std::ios::binary) << html;
    const std::string command =
        "chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir=" +
        (root_ / "profile").string() +
        " --enable-logging=stderr --virtual-time-budget=120000 --dump-dom file://" +
        (root_ / "page.html").string() + " > " + (root_ / "dom").string() + " 2> " +
        (root_ / "log").string();
    ASSERT_EQ(std::system(command.c_str()), 0);
    const std::string log = contents(root_ / "log");
    EXPECT_EQ(count(contents(root_ / "dom"), "data-drawn=\"true\""), charts);
    EXPECT_EQ(log.find("CONSOLE"), std::string::npos) << log;
  }

  const fs::path root_ = fs::temp_directory_path() / ("sinkwise_page_" + std::to_string(getpid()));
};

TEST_F(Page, TheDemonstrationIsDrawnInFull) {
  expect_drawn(to_document(demonstration(), "sinkwise compare runs/*"), 40);
}

// Maps of three, six charts of layers, two of heads, one of the top, two of silencing.
TEST_F(Page, BeforeAndAfterIsDrawnInFull) {
  const auto load = [&](const char* name, const Gates& gates) {
    return load_inspection(write_json(root_ / name / "report.json", inspection_json(gates)));
  };
  const BeforeAfter change =
      compare_inspections(load("before", {{0.7, 0.3, 0.3, 0.3}, {0.01, 0.8, 0.5, 0.5}}),
                          load("after", {{0.7, 0.5, 0.5, 0.5}, {0.2, 0.8, 0.5, 0.95}}));
  expect_drawn(to_document(change, "sinkwise compare before after"), 14);
}

}  // namespace
}  // namespace sinkwise::compare
