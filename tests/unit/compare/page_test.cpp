#include <cstdlib>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

#include "experiment.h"
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

  const fs::path root_ = fs::temp_directory_path() / ("sinkwise_page_" + std::to_string(getpid()));
};

TEST_F(Page, TheDemonstrationIsDrawnInFull) {
  if (std::system("command -v chromium > /dev/null 2>&1") != 0)
    GTEST_SKIP() << "no Chromium on PATH";
  const std::string html =
      report::render_html(to_document(demonstration(), "sinkwise compare runs/*"));
  const int charts = count(html, "<figure class=\"chart\"");
  EXPECT_GE(charts, 40);
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

}  // namespace
}  // namespace sinkwise::compare
