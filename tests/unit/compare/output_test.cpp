#include "sinkwise/compare/output.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

#include "fabricate.h"
#include "sinkwise/core/error.h"
#include "sinkwise/report/html.h"

namespace sinkwise::compare {
namespace {

using nlohmann::json;

std::vector<compare::Run> four_runs() {
  return {fabricated("sink", kBase, 0, {{"cv", 0.4}, {"excess", 0.1}}),
          fabricated("sink", kBase, 1, {{"cv", 0.6}, {"excess", 0.3}}),
          fabricated("sink", kBalanced, 0, {{"cv", 0.1}, {"excess", 0.1}}),
          fabricated("sink", kBalanced, 1, {{"cv", 0.1}, {"excess", 0.2}})};
}

TEST(Json, GivesEveryFigureBySeed) {
  const json report = to_json(compare(four_runs(), {{"toy", "sink", 10, 11, 1.1, 1.0, 1.2, 5}}));
  EXPECT_EQ(report["schema"], "sinkwise.report/1");
  ASSERT_EQ(report["arms"].size(), 2u);
  const json& base = report["arms"][0];
  EXPECT_EQ(base["balance"]["form"], "none");
  EXPECT_EQ(base["seeds"], json({0, 1}));
  EXPECT_EQ(base["figures"]["cv"]["per_seed"], json({0.4, 0.6}));
  EXPECT_DOUBLE_EQ(base["figures"]["cv"]["mean"].get<double>(), 0.5);
  for (const FigureInfo& info : kFigures)
    EXPECT_TRUE(base["figures"].contains(info.key)) << info.key;
  EXPECT_TRUE(base["figures"]["bits_per_byte"]["mean"].is_null());
  const json& pair = report["pairs"][0];
  EXPECT_EQ(pair["base_arm"], 0);
  EXPECT_EQ(pair["balanced_arm"], 1);
  EXPECT_EQ(pair["control"], false);
  EXPECT_DOUBLE_EQ(pair["worst_cv_ratio"].get<double>(), 0.25);
  EXPECT_EQ(report["overhead"][0]["quartiles"], json({1.0, 1.2}));
  EXPECT_EQ(report["verdicts"][0]["id"], "balance_lowers_cv");
  EXPECT_EQ(report["verdicts"][0]["status"], "holds");
  EXPECT_EQ(report["provenance"]["commit"], "abc");
}

TEST(Json, ASingleSeedHasNoSpread) {
  const json report = to_json(compare({fabricated("sink", kBase, 0)}));
  EXPECT_TRUE(report["arms"][0]["figures"]["cv"]["spread"].is_null());
  EXPECT_TRUE(report["pairs"].empty());
}

const report::Section* find(const report::Document& document, const std::string& id) {
  for (const report::Section& section : document.sections)
    if (section.id == id) return &section;
  return nullptr;
}

TEST(Document, LeavesOutWhatWasNotMeasured) {
  compare::Run bare = fabricated("sink", kBase, 0);
  bare.layers.clear();
  const report::Document document = to_document(compare({bare}), "sinkwise compare x");
  EXPECT_EQ(find(document, "heads"), nullptr);
  EXPECT_EQ(find(document, "curves"), nullptr);
  EXPECT_EQ(find(document, "pairs"), nullptr);
  EXPECT_NE(find(document, "limits"), nullptr);
  EXPECT_NO_THROW(report::render_html(document));
}

TEST(Document, ShowsEvaluationsWhereThereAreAny) {
  std::vector<compare::Run> runs = four_runs();
  EXPECT_EQ(find(to_document(compare(runs), "x"), "evaluation"), nullptr);
  for (compare::Run& run : runs) {
    run.evaluation.metrics = {accuracy("blimp", run.balance.is_base() ? 0.7 : 0.6)};
    run.evaluation.facts.other = "the/model";
  }
  const Comparison comparison = compare(runs);
  const report::Document document = to_document(comparison, "x");
  const report::Section* section = find(document, "evaluation");
  ASSERT_NE(section, nullptr);
  const auto& table = std::get<report::Table>(section->blocks.at(1));
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0][4].text, "+0.2000");  // less the untouched model
  EXPECT_EQ(table.rows[1][4].text, "+0.1000");
  EXPECT_EQ(table.rows[1][5].text, "\u22120.1000");  // less the twin
  EXPECT_NE(report::render_html(document).find("the/model"), std::string::npos);
  const json report = to_json(comparison);
  EXPECT_EQ(report["arms"][0]["evaluation"][0]["task"], "blimp");
  EXPECT_NEAR(report["pairs"][0]["evaluation_change"][0]["change"]["mean"].get<double>(), -0.1,
              1e-12);
}

TEST(Document, NamesTheTaskOnceASectionWhenThereAreSeveral) {
  std::vector<compare::Run> runs = four_runs();
  for (compare::Run run : four_runs()) {
    run.task = "other";
    runs.push_back(run);
  }
  const report::Document document = to_document(compare(runs), "again");
  std::vector<std::string> headings;
  for (const report::Block& block : find(document, "heads")->blocks)
    if (const auto* heading = std::get_if<report::Heading>(&block))
      headings.push_back(heading->text);
  EXPECT_EQ(headings, (std::vector<std::string>{"other", "toy"}));
}

TEST(Document, RendersRunsOfDifferentShapes) {
  std::vector<compare::Run> runs = four_runs();
  runs[2].layers.clear();                     // nothing observed
  runs[3].layers[0].importance = {0.5, 0.5};  // fewer heads
  runs[3].layers[0].ablation = {0.5, 0.5};
  runs[0].layers.push_back(runs[0].layers[0]);  // one more layer
  runs[1].groups["copy"] = {{"loss", 1.0}, {"excess", 0.5}};
  runs[1].curve = {{10, 1.0, kUnmeasured, 0.5, 0.1, 0.5, 0.2}};
  EXPECT_NO_THROW(report::render_html(to_document(compare(runs), "again")));
}

TEST(Document, HostileNamesStayText) {
  const std::string evil = "<img src=x onerror=alert(1)>\x1b[2J";
  std::vector<compare::Run> runs = four_runs();
  for (compare::Run& run : runs) {
    run.task = run.mechanism = run.label = evil;
    run.directory += evil;
    run.provenance = {{"commit", evil}};
    run.config[evil] = std::to_string(run.seed);
    run.groups[evil] = {{"loss", 1.0}, {"excess", 0.5}};
    run.layers[0].first_token_weight_by_group[evil] = {0.1, 0.1, 0.1, 0.1};
    run.curve = {{10, 1.0, kUnmeasured, 0.5, 0.1, 0.5, 0.2}};
  }
  const std::string html = report::render_html(to_document(compare(runs), evil));
  const std::size_t bundle = html.find("<script>");
  const std::string before = html.substr(0, bundle);
  EXPECT_EQ(before.find("<img"), std::string::npos);
  EXPECT_EQ(before.find('\x1b'), std::string::npos);
  EXPECT_NE(before.find("&lt;img src=x"), std::string::npos);
}

int widest_line(const std::string& text) {
  std::istringstream lines(text);
  std::string line;
  int widest = 0;
  while (std::getline(lines, line))
    widest = std::max(widest, static_cast<int>(std::count_if(line.begin(), line.end(), [](char c) {
                        return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;
                      })));
  return widest;
}

TEST(Terminal, ShowsArmsAndAnswersWithinItsWidth) {
  std::vector<compare::Run> runs = four_runs();
  runs[0].config["optim.lr"] = "0.02";
  for (const int width : {60, 80, 100, 140}) {
    const std::string text = to_terminal(compare(runs), width);
    EXPECT_LE(widest_line(text), width) << text;
    for (const char* part : {"0.500 \u00b1 0.141", "no balance", "holds", "Caution:", "seed 0"})
      EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_THROW(to_terminal(compare(runs), 59), BadArgument);
}

TEST(Terminal, LongAndHostileNamesCannotBreakIt) {
  std::vector<compare::Run> runs = four_runs();
  for (compare::Run& run : runs) {
    run.task = std::string(300, 'x') + "\x1b[2J";
    run.mechanism = "\u00fcber\x1b[31m" + std::string(200, 'y');
    run.label = "a\nb";
  }
  const std::string text = to_terminal(compare(runs));
  EXPECT_LE(widest_line(text), 100) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace sinkwise::compare
