#include "sinkwise/compare/before_after.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <sstream>

#include "inspections.h"
#include "sinkwise/compare/output.h"
#include "sinkwise/core/error.h"
#include "unit/core/temporary_directory.h"

namespace sinkwise::compare {
namespace {

using nlohmann::json;

// Two layers of four heads. By hand: before, layer 0 has mean 0.4, population deviation
// sqrt((0.09 + 0.01 + 0.01 + 0.01) / 4) = sqrt(0.03), its top head is 0 (gate 0.7).
const Gates kBefore = {{0.7, 0.3, 0.3, 0.3}, {0.01, 0.8, 0.5, 0.5}};

class BeforeAfterTest : public testing::Test {
 protected:
  std::filesystem::path folder(const std::string& name, const json& inspection) const {
    return write_json(directory_.path() / name / "report.json", inspection);
  }

  BeforeAfter change(const json& before, const json& after,
                     std::optional<std::int64_t> shared = {}) const {
    return compare_inspections(load_inspection(folder("before", before)),
                               load_inspection(folder("after", after)), shared);
  }

  BeforeAfter change(const Gates& after, std::optional<std::int64_t> shared = {}) const {
    return change(inspection_json(kBefore), inspection_json(after), shared);
  }

  void evaluated(const char* name, const json& metrics) const {
    write_json(directory_.path() / name / "evaluation.json", evaluation_json(metrics));
  }

  sinkwise::test::TemporaryDirectory directory_;
};

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += part + "\n";
  return text;
}

void expect_change(const Change& change, double before, double after) {
  EXPECT_NEAR(change.before, before, 1e-12);
  EXPECT_NEAR(change.after, after, 1e-12);
}

TEST_F(BeforeAfterTest, FiguresByHand) {
  const BeforeAfter c = change({{0.7, 0.5, 0.5, 0.5}, {0.2, 0.8, 0.5, 0.95}});
  const auto figure = [&](const char* key) { return changed_figure(c, key).value; };
  EXPECT_EQ(c.shared_heads, 1);
  expect_change(c.layers[0].cv, std::sqrt(0.03) / 0.4, std::sqrt(0.0075) / 0.55);
  expect_change(c.layers[0].shared_gate, 0.7, 0.7);
  expect_change(c.layers[0].routed_gate, 0.3, 0.5);
  expect_change(c.layers[1].shared_gate, 0.8, 0.8);  // head 1, before as after
  expect_change(c.layers[1].routed_gate, 1.01 / 3, 1.65 / 3);
  expect_change(c.layers[1].open_share, 0.0, 0.25);
  EXPECT_EQ(c.layers[0].top_overlap, 1.0);
  EXPECT_EQ(c.layers[1].top_overlap, 0.0);  // head 3 has overtaken head 1
  expect_change(figure("mean_gate"), 3.41 / 8, 4.65 / 8);
  expect_change(figure("shared_gate"), 0.75, 0.75);
  expect_change(figure("routed_gate"), (0.3 + 1.01 / 3) / 2, (0.5 + 0.55) / 2);
  expect_change(figure("min_gate"), 0.01, 0.2);
  expect_change(figure("open_share"), 0.0, 0.125);
  expect_change(figure("closed_heads"), 1, 0);
  // First-token weights are 0.99 (1 - gate): above 0.3 for gates below 0.697.
  expect_change(figure("sink_heads"), 6, 5);
  expect_change(figure("value_drain"), 0.2, 0.2);
  EXPECT_TRUE(changed_figure(c, "value_drain").is_null());
  EXPECT_TRUE(changed_figure(c, "loss").is_null());
  EXPECT_FALSE(changed_figure(c, "mean_gate").is_null());
}

// Where the balance was over all heads none is called shared; the order is that of a quarter.
TEST_F(BeforeAfterTest, NoHeadNeedStayOutOfTheBalance) {
  const BeforeAfter quarter = change(kBefore),
                    c = compare_inspections(quarter.before, quarter.after, 0);
  EXPECT_EQ(c.shared_heads, 0);
  EXPECT_EQ(c.top_heads, quarter.shared_heads);
  EXPECT_EQ(c.layers[0].top_overlap, quarter.layers[0].top_overlap);
  EXPECT_EQ(c.layers[0].routed_gate.before, c.layers[0].mean_gate.before);
  EXPECT_TRUE(std::ranges::none_of(c.heads, &ChangedHead::shared));
  EXPECT_NE(to_json(c).dump().find("No head stayed out of the balance"), std::string::npos);
  EXPECT_THROW(compare_inspections(quarter.before, quarter.after, 4), BadArgument);
}

TEST_F(BeforeAfterTest, NothingChangedIsSaidAsNothing) {
  const BeforeAfter c = change(kBefore);
  for (const ChangedFigure& figure : c.figures) EXPECT_TRUE(figure.is_null()) << figure.key;
  EXPECT_TRUE(c.warnings.empty());
  EXPECT_TRUE(c.cautions.empty());
  EXPECT_NEAR(c.importance_correlation, 1.0, 1e-12);
  EXPECT_NEAR(c.honor_correlation, 1.0, 1e-12);
  const std::string said = joined(summary(c));
  for (const char* part :
       {"has not changed to speak of: 2.0000", "No change of gates to speak of: mean gate 0.426",
        "No change of inequality to speak of", "As many heads sink", "0 opened and 0 closed",
        "0 reopened, 0 closed anew", "100 % are the same (by chance 25 %)"}) {
    EXPECT_NE(said.find(part), std::string::npos) << part << "\n" << said;
  }
}

TEST_F(BeforeAfterTest, SharedHeadsCanBeGiven) {
  const BeforeAfter c = change(kBefore, 3);
  EXPECT_NEAR(c.layers[1].shared_gate.before, 0.6, 1e-12);
  EXPECT_NEAR(c.layers[1].routed_gate.before, 0.01, 1e-12);
  EXPECT_THROW(change(kBefore, 4), BadArgument);
  EXPECT_THROW(change(kBefore, -1), BadArgument);
}

TEST_F(BeforeAfterTest, ClosedHeadsAreNamed) {
  const BeforeAfter c = change({{0.7, 0.3, 0.019, 0.3}, {0.02, 0.8, 0.5, 0.5}});
  const std::string text = joined(summary(c));
  EXPECT_NE(text.find("1 \u2192 1 (0); 1 reopened, 1 closed anew"), std::string::npos) << text;
  const json closed = to_json(c)["closed_heads"];
  ASSERT_EQ(closed.size(), 2u);
  EXPECT_EQ(closed[0]["layer"], 0);
  EXPECT_EQ(closed[0]["head"], 2);
  EXPECT_EQ(closed[1]["layer"], 1);
  EXPECT_EQ(closed[1]["head"], 0);
}

std::vector<std::string> ids(const BeforeAfter& change) {
  std::vector<std::string> result;
  for (const BeforeAfterWarning& warning : change.warnings) result.push_back(warning.id);
  return result;
}

// The routed heads' mean was (0.3 + 1.01 / 3) / 2 before.
TEST_F(BeforeAfterTest, DriftIsWarnedOfOnlyAboveItsLimit) {
  const Gates below = {{0.7, 0.39, 0.39, 0.39}, {0.01 + 0.09, 0.8, 0.59, 0.59}};
  const Gates above = {{0.7, 0.42, 0.42, 0.42}, {0.01 + 0.12, 0.8, 0.62, 0.62}};
  EXPECT_TRUE(ids(change(below)).empty());
  const BeforeAfter drifted = change(above);
  EXPECT_EQ(ids(drifted), std::vector<std::string>{"drift_to_open_gates"});
  EXPECT_EQ(drifted.warnings[0].layers, (std::vector<std::int64_t>{0, 1}));
  EXPECT_NE(drifted.warnings[0].advice.find("lambda"), std::string::npos);
}

TEST_F(BeforeAfterTest, PinningIsWarnedOfOnlyWhereItIsNew) {
  const Gates two = {{0.95, 0.95, 0.1, 0.1}, {0.01, 0.8, 0.5, 0.5}};
  const Gates three = {{0.95, 0.95, 0.95, 0.1}, {0.01, 0.8, 0.5, 0.5}};
  EXPECT_TRUE(ids(change(inspection_json(two), inspection_json(two))).empty());
  const BeforeAfter pinned = change(inspection_json(two), inspection_json(three));
  ASSERT_EQ(pinned.warnings.size(), 2u);  // the routed heads drifted, too
  EXPECT_EQ(pinned.warnings[1].id, "pinning");
  EXPECT_EQ(pinned.warnings[1].layers, std::vector<std::int64_t>{0});
  EXPECT_NE(pinned.warnings[1].advice.find("shared heads"), std::string::npos);
  EXPECT_TRUE(ids(change(inspection_json(three), inspection_json(three))).empty());
}

TEST_F(BeforeAfterTest, OtherConditionsAreSaid) {
  json other = inspection_json(kBefore);
  other["text"] = {{"files", {"letter.txt"}},
                   {"windows", 8},
                   {"length", 32},
                   {"begin", {{"id", 1}, {"text", "<s>"}}}};
  other["model"]["gate"] = "learned sink";
  const std::string said = joined(change(inspection_json(kBefore), other).cautions);
  for (const char* part : {"book.txt before, letter.txt after", "Windows: 4 before, 8 after",
                           "16 before, 32 after", "none before, token 1 after", "learned sink"}) {
    EXPECT_NE(said.find(part), std::string::npos) << part << "\n" << said;
  }
}

TEST_F(BeforeAfterTest, OtherSizesAreRefused) {
  EXPECT_THROW(change({{0.5, 0.5, 0.5, 0.5}}), BadArgument);
  EXPECT_THROW(change({{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}}), BadArgument);
  json linear = inspection_json(kBefore);
  linear["layers"][1] = {{"kind", "linear attention"}};
  EXPECT_THROW(change(inspection_json(kBefore), linear), BadArgument);
  const BeforeAfter hybrid = change(linear, linear);
  EXPECT_EQ(hybrid.heads.size(), 4u);
  EXPECT_NEAR(changed_figure(hybrid, "mean_gate").value.before, 0.4, 1e-12);
}

// 0.03 is the hypotenuse of 0.018 and 0.024; the limit is twice that.
TEST_F(BeforeAfterTest, MetricsAreJudgedByTheErrorOfTheirDifference) {
  evaluated("before", {metric_json("accuracy", 0.5, 0.018), metric_json("loss", 2.0, 0.018, false),
                       metric_json("near", 0.5, 0.018), metric_json("bare", 0.5, 0.018),
                       metric_json("gone", 0.5, 0.018), metric_json("turned", 0.5, 0.018)});
  json bare = metric_json("bare", 0.9, 0.0);
  bare["standard_error"] = nullptr;
  evaluated("after",
            {metric_json("accuracy", 0.561, 0.024), metric_json("loss", 2.061, 0.024, false),
             metric_json("near", 0.559, 0.024), bare, metric_json("new", 0.5, 0.024),
             metric_json("turned", 0.5, 0.024, false)});
  const BeforeAfter c = change(kBefore);
  ASSERT_EQ(c.metrics.size(), 4u);
  EXPECT_NEAR(c.metrics[0].standard_error, 0.03, 1e-12);
  EXPECT_EQ(c.metrics[0].outcome, Outcome::better);
  EXPECT_EQ(c.metrics[1].outcome, Outcome::worse);
  EXPECT_EQ(c.metrics[2].outcome, Outcome::none);
  EXPECT_EQ(c.metrics[3].outcome, Outcome::unclear);
  EXPECT_EQ(c.unmatched_metrics, (std::vector<std::string>{"lambada, gone (before only)",
                                                           "lambada, turned (two directions)",
                                                           "lambada, new (after only)"}));
  EXPECT_NE(joined(summary(c)).find("Of 4 measures of tasks 1 better and 1 worse"),
            std::string::npos);
}

TEST_F(BeforeAfterTest, PruningIsComparedWhereBothSilencedTheSame) {
  json after = inspection_json(kBefore);
  after["interventions"]["loss"] = 1.0;
  after["interventions"]["pruning"][0]["loss"] = {1.5, 1.6, 1.7};
  after["interventions"]["pruning"][1]["silenced"] = {1, 2, 4};
  const json pruning = to_json(change(inspection_json(kBefore), after))["pruning"];
  ASSERT_EQ(pruning.size(), 1u);
  EXPECT_EQ(pruning[0]["order"], "importance");
  EXPECT_NEAR(pruning[0]["rise"]["before"][1].get<double>(), 0.2, 1e-12);
  EXPECT_NEAR(pruning[0]["rise"]["after"][1].get<double>(), 0.6, 1e-12);
  after["interventions"] = nullptr;
  EXPECT_TRUE(to_json(change(inspection_json(kBefore), after))["pruning"].empty());
}

TEST_F(BeforeAfterTest, TerminalFitsItsWidthAndAScreen) {
  const BeforeAfter c = change({{0.95, 0.95, 0.95, 0.9}, {0.2, 0.8, 0.5, 0.95}});
  for (const int width : {60, 80, 100}) {
    std::istringstream lines(to_terminal(c, width));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      const auto columns = std::ranges::count_if(
          line, [](char ch) { return (static_cast<unsigned char>(ch) & 0xC0u) != 0x80u; });
      EXPECT_LE(columns, width) << line;
    }
    EXPECT_LE(count, width == 100 ? 45 : 70);
  }
  EXPECT_THROW(to_terminal(c, 59), BadArgument);
}

TEST_F(BeforeAfterTest, NamesFromFilesCannotDriveATerminal) {
  json hostile = inspection_json(kBefore);
  hostile["model"]["path"] = "\x1b[31mred";
  hostile["text"]["files"] = {"\x1b[2J"};
  hostile["interventions"]["pruning"][0]["order"] = "\x1b]0;title";
  const std::string text = to_terminal(change(hostile, inspection_json(kBefore)));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

// --- Files that are not what they should be ---

TEST_F(BeforeAfterTest, AnInspectionIsKnownByItsFiles) {
  EXPECT_TRUE(holds_inspection(folder("a", inspection_json(kBefore))));
  EXPECT_FALSE(holds_inspection(directory_.path() / "nowhere"));
  write_json(directory_.path() / "run" / "result.json", json::object());
  EXPECT_FALSE(holds_inspection(folder("run", inspection_json(kBefore))));
}

TEST_F(BeforeAfterTest, RefusesReportsThatDoNotHoldTogether) {
  const auto refused = [&](const char* place, const char* part, auto value) {
    json spoilt = inspection_json(kBefore);
    spoilt[json::json_pointer(place)] = value;
    try {
      load_inspection(folder("spoilt", spoilt));
      ADD_FAILURE() << place;
    } catch (const BadFile& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  refused("/schema", "schema", "sinkwise.report/1");
  refused("/schema", "schema", nullptr);
  refused("/model", "model", 3);
  refused("/model/path", "model.path", nullptr);
  refused("/model/heads", "model.heads", 0);
  refused("/model/heads", "importance", 5);
  refused("/model/heads", "model.heads", "4");
  refused("/model/layers", "layers", 3);
  refused("/model/gate", "model.gate", nullptr);
  refused("/text/files", "text.files", "book.txt");
  refused("/text/files", "text.files", json{1});
  refused("/text/windows", "text.windows", -1);
  refused("/text/begin", "text.begin", "yes");
  refused("/loss", "loss", "two");
  refused("/layers", "layers", json::object());
  refused("/layers/1", "layers[1]", 7);
  refused("/layers/1/kind", "kind", nullptr);
  refused("/layers/1/heads/importance", "layers[1].heads.importance", nullptr);
  refused("/layers/1/heads/importance", "layers[1].heads.importance", json{0.1, 0.2, 0.3});
  refused("/layers/1/heads/importance/2", "a head without one", nullptr);
  refused("/layers/1/heads/importance/2", "between 0 and 1", 1.5);
  refused("/layers/1/heads/importance/2", "between 0 and 1", -0.2);
  refused("/layers/1/heads/importance/2", "importance", "0.5");
  refused("/layers/1/heads/honor", "honor", json{1.0});
  refused("/layers/1/heads/value_drain", "value_drain", nullptr);
  refused("/interventions/windows", "windows", 0);
  refused("/interventions/pruning/0/loss", "loss", json{1.0});
  refused("/interventions/pruning/1/spread", "spread", json{1.0});
  refused("/interventions/pruning/1/order", "each order once", "importance");
}

TEST_F(BeforeAfterTest, RefusesTextThatIsNoJson) {
  const auto path = folder("spoilt", inspection_json(kBefore)) / "report.json";
  for (const char* text : {"", "{", "[]", "{\"schema\": NaN}", "{\"loss\": 1e999}", "\xff"}) {
    std::ofstream(path) << text;
    EXPECT_THROW(load_inspection(path.parent_path()), BadFile) << text;
  }
}

TEST_F(BeforeAfterTest, FiguresThatWereNotMeasuredStayMissing) {
  json sparse = inspection_json(kBefore);
  sparse["loss"] = sparse["bits_per_byte"] = nullptr;
  sparse["layers"][0]["heads"]["value_drain"] = {nullptr, nullptr, nullptr, nullptr};
  sparse["layers"][1]["heads"]["value_drain"] = {nullptr, nullptr, nullptr, nullptr};
  sparse["layers"][0]["cv"] = nullptr;
  sparse["interventions"] = nullptr;
  const BeforeAfter c = change(sparse, inspection_json(kBefore));
  EXPECT_TRUE(std::isnan(changed_figure(c, "loss").value.before));
  EXPECT_TRUE(changed_figure(c, "value_drain").is_null());
  EXPECT_NO_THROW(to_terminal(c));
  EXPECT_NO_THROW(to_document(c, "command"));
}

TEST_F(BeforeAfterTest, RefusesEvaluationsThatDoNotHoldTogether) {
  const auto refused = [&](const json& evaluation) {
    folder("spoilt", inspection_json(kBefore));
    write_json(directory_.path() / "spoilt" / "evaluation.json", evaluation);
    EXPECT_THROW(load_inspection(directory_.path() / "spoilt"), BadFile) << evaluation;
  };
  refused({{"schema", "sinkwise.evaluation/2"}, {"tasks", json::array()}});
  refused(json::array());
  refused(evaluation_json({metric_json("a", 0.5, -0.1)}));
  refused(evaluation_json({metric_json("a", 0.5, 0.1), metric_json("a", 0.6, 0.1)}));
  refused(evaluation_json({{{"name", "a"}, {"value", "high"}, {"higher_is_better", true}}}));
  refused(evaluation_json({{{"name", "a"}, {"value", 0.5}, {"higher_is_better", "yes"}}}));
  refused(evaluation_json({{{"value", 0.5}, {"higher_is_better", true}}}));
}

}  // namespace
}  // namespace sinkwise::compare
