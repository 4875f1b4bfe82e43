#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <sstream>
#include <unistd.h>

#include "sample.h"
#include "sinkwise/report/html.h"

namespace sinkwise::report {
namespace {

namespace fs = std::filesystem;

// A folder of this process, gone at the end of the test.
class Scratch {
 public:
  Scratch() : path_(fs::temp_directory_path() / ("sinkwise_browser_" + std::to_string(getpid()))) {
    fs::create_directories(path_);
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

std::string contents(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::string find_browser() {
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"}) {
    const std::string command = std::string("command -v ") + name + " > /dev/null 2>&1";
    if (std::system(command.c_str()) == 0) return name;
  }
  return "";
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

struct Opened {
  std::string dom, log;
};

Opened open_in_browser(const std::string& browser, const std::string& html) {
  const Scratch scratch;
  std::ofstream(scratch / "page.html", std::ios::binary) << html;
  const std::string command =
      browser + " --headless --no-sandbox --disable-gpu --disable-dev-shm-usage" +
      " --user-data-dir=" + (scratch / "profile").string() +
      " --enable-logging=stderr --virtual-time-budget=60000 --dump-dom file://" +
      (scratch / "page.html").string() + " > " + (scratch / "dom").string() + " 2> " +
      (scratch / "log").string();
  EXPECT_EQ(std::system(command.c_str()), 0);
  return {contents(scratch / "dom"), contents(scratch / "log")};
}

TEST(Browser, DrawsEveryChartWithinThePolicy) {
  const std::string browser = find_browser();
  if (browser.empty()) GTEST_SKIP() << "no Chromium on PATH";
  const Opened page = open_in_browser(browser, render_html(sample_document()));
  EXPECT_NE(page.dom.find("data-ready=\"true\""), std::string::npos) << page.log;
  EXPECT_EQ(count(page.dom, "data-drawn=\"true\""), kSampleCharts);
  EXPECT_EQ(count(page.dom, "class=\"plot js-plotly-plot\""), kSampleCharts);
  EXPECT_GE(count(page.dom, "<svg class=\"main-svg\""), kSampleCharts);
  EXPECT_EQ(page.log.find("CONSOLE"), std::string::npos) << page.log;
  EXPECT_EQ(page.log.find("Content Security Policy"), std::string::npos) << page.log;
}

// The same check must be able to fail: a page whose script was changed after the policy was
// written.
TEST(Browser, PolicyStopsAChangedScript) {
  const std::string browser = find_browser();
  if (browser.empty()) GTEST_SKIP() << "no Chromium on PATH";
  std::string html = render_html(sample_document());
  html.replace(html.rfind("\"use strict\""), 12, "'use strict'");
  const Opened page = open_in_browser(browser, html);
  EXPECT_EQ(count(page.dom, "data-drawn=\"true\""), 0);
  EXPECT_NE(page.log.find("Content Security Policy"), std::string::npos) << page.log;
}

// The page with a script of the test at its end, which the policy would not let run.
std::string with_script(std::string html, const std::string& script) {
  const std::string policy = "http-equiv=\"Content-Security-Policy\"";
  html.replace(html.find(policy), policy.size(), "name=\"no-policy\"");
  return html.insert(html.rfind("</body>"), "<script>" + script + "</script>");
}

// Runs once every chart stands.
std::string when_ready(const std::string& action) {
  return "var wait = setInterval(function () { if (!document.documentElement.dataset.ready) return;"
         "clearInterval(wait); " +
         action + " }, 20);";
}

TEST(Browser, AButtonSortsTheRowsOfAMap) {
  const std::string browser = find_browser();
  if (browser.empty()) GTEST_SKIP() << "no Chromium on PATH";
  Document document = sample_document();
  Chart map{"A map", {"head"}, {""}, "", HeatMap{{"a", "b"}, {"0", "1", "2"}, {}, "gate"}};
  auto& heat = std::get<HeatMap>(map.data);
  heat.values = {{0.1, 0.9, 0.5}, {std::numeric_limits<double>::quiet_NaN(), 0.4, 0.7}};
  heat.sortable = true;
  document.sections.front().blocks = {std::move(map)};
  const std::string show =
      "var button = document.querySelector('button.sort'), "
      "plot = document.querySelector('.plot'), trace = plot.data[0];"
      "function told(name) { document.body.dataset[name] = JSON.stringify([trace.z, "
      "plot._fullLayout.xaxis.type, trace.x, "
      "button.getAttribute('aria-pressed')]).replace(/\"/g, '~'); }"
      "button.click(); told('once'); document.body.dataset.cells = trace.text[1].join();"
      "button.click(); told('twice');";
  const Opened page =
      open_in_browser(browser, with_script(render_html(document), when_ready(show)));
  const auto has = [&](const std::string& part) {
    return page.dom.find(part) != std::string::npos;
  };
  EXPECT_TRUE(
      has("data-once=\"[[[0.9,0.5,0.1],[0.7,0.4,null]],~category~,[~#1~,~#2~,~#3~],~true~]\""));
  EXPECT_TRUE(has("data-cells=\"2,1,0\""));
  EXPECT_TRUE(
      has("data-twice=\"[[[0.1,0.9,0.5],[null,0.4,0.7]],~category~,[~0~,~1~,~2~],~false~]\""));
}

// Also for those who read the table in place of the drawing.
TEST(Browser, AChosenHeadFillsTheTable) {
  const std::string browser = find_browser();
  if (browser.empty()) GTEST_SKIP() << "no Chromium on PATH";
  const std::string show =
      "var list = document.querySelector('.chooser select'); list.selectedIndex = 1;"
      "list.dispatchEvent(new Event('change'));"
      "var rows = list.closest('section').querySelectorAll('figure');"
      "document.body.dataset.found = Array.from(rows[rows.length - 1].querySelectorAll('td'), "
      "function (cell) { return cell.textContent; }).join();";
  const Opened page =
      open_in_browser(browser, with_script(render_html(sample_document()), when_ready(show)));
  EXPECT_NE(page.dom.find("data-found=\"1.00,\u2013,0.00,1.00\""), std::string::npos);
}

// The charts of a large page take seconds, and its lists can be used from the first.
TEST(Browser, AHeadChosenEarlyIsDrawnWhenItsChartIs) {
  const std::string browser = find_browser();
  if (browser.empty()) GTEST_SKIP() << "no Chromium on PATH";
  const std::string choose =
      "var list = document.querySelector('.chooser select'); list.selectedIndex = 1;"
      "var node = document.querySelector('.plot[data-figure=' + list.dataset.figure + ']');"
      "document.body.dataset.early = String(!node.dataset.drawn);"
      "list.dispatchEvent(new Event('change'));";
  const std::string show = "document.body.dataset.found = JSON.stringify(node.data[0].z);";
  const Opened page = open_in_browser(
      browser, with_script(render_html(sample_document()), choose + when_ready(show)));
  EXPECT_NE(page.dom.find("data-early=\"true\""), std::string::npos);
  EXPECT_NE(page.dom.find("data-found=\"[[1,null],[0,1]]\""), std::string::npos) << page.dom;
}

TEST(Browser, ATableSortsWithMissingValuesLast) {
  const std::string browser = find_browser();
  if (browser.empty()) GTEST_SKIP() << "no Chromium on PATH";
  Document document = sample_document();
  document.sections.front().blocks = {
      Table{"Numbers",
            {{"arm"}, {"CV", Align::right, "spread over heads"}},
            {{{"a"}, {"0.5", 0.5}}, {{"b"}, {"none"}}, {{"c"}, {"0.9", 0.9}}}}};
  const std::string show =
      "var table = document.querySelector('table.sortable'), said = [];"
      "var button = table.querySelectorAll('thead button')[1];"
      "for (var i = 0; i < 2; ++i) { button.click(); said.push(Array.from(table.tBodies[0].rows, "
      "function (row) { return row.cells[0].textContent; }).join('')); }"
      "document.body.dataset.found = said.join();";
  const Opened page =
      open_in_browser(browser, with_script(render_html(document), when_ready(show)));
  EXPECT_NE(page.dom.find("data-found=\"acb,cab\""), std::string::npos) << page.dom;
}

}  // namespace
}  // namespace sinkwise::report
