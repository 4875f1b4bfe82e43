#include "sinkwise/inspect/output.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>

#include "sinkwise/core/json.h"
#include "sinkwise/inspect/inspect.h"
#include "sinkwise/report/html.h"
#include "unit/inspect/fixture.h"

namespace sinkwise::inspect {
namespace {

Inspection inspect_fixture(const char* family, std::int64_t pruning = 1) {
  const auto model = pretrained::Model::open(test::fixture(family));
  Windows windows;
  windows.tokens = test::some_tokens(4, 16);
  windows.facts.windows = 4, windows.facts.length = 16;
  windows.facts.files = {"text"};
  for (int i = 0; i < 16; ++i) windows.first_texts.push_back("token");
  return inspect(model, windows, {.pruning_windows = pruning}, [](auto, auto, const auto&) {});
}

std::string all(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += sentence + "\n";
  return text;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Output, EveryFamilyGivesAPageAndJson) {
  for (const char* family : {"llama", "gpt2", "gpt_oss", "qwen3_next", "gemma3"}) {
    SCOPED_TRACE(family);
    const Inspection inspection = inspect_fixture(family);
    EXPECT_TRUE(contains(report::render_html(to_document(inspection, "again")), "again"));
    const auto parsed = nlohmann::json::parse(json_text(to_json(inspection)));
    EXPECT_EQ(parsed["layers"].size(), inspection.layers.size());
    EXPECT_EQ(parsed["interventions"]["pruning"].size(), 4U);
    EXPECT_TRUE(contains(to_terminal(inspection), "nats a token"));
  }
}

TEST(Output, ProgressReachesItsEnd) {
  const auto model = pretrained::Model::open(test::fixture("llama"));
  Windows windows;
  windows.tokens = test::some_tokens(2, 8);
  windows.facts.windows = 2, windows.facts.length = 8;
  for (const std::int64_t pruning : {0, 1}) {
    std::int64_t last = 0, of = 0;
    inspect(model, windows, {.pruning_windows = pruning},
            [&](std::int64_t done, std::int64_t total, const auto&) {
              EXPECT_GT(done, last);
              last = done, of = total;
            });
    EXPECT_EQ(last, of);
  }
}

TEST(Output, NamesFromFilesAreText) {
  Inspection inspection = inspect_fixture("llama", 0);
  inspection.model.path = "<script>alert(1)</script>\x1b[2J";
  inspection.text.begin_id = 1, inspection.text.begin_text = "\x1b[31m<b>";
  inspection.map_tokens[0] = "<i>\x1b";
  const std::string page = report::render_html(to_document(inspection, "again"));
  EXPECT_FALSE(contains(page, "<script>alert"));
  EXPECT_FALSE(contains(page, "\x1b"));
  EXPECT_FALSE(contains(to_terminal(inspection), "\x1b"));
}

TEST(Summary, SaysWhatIsNotThere) {
  Inspection inspection = inspect_fixture("llama", 0);
  for (auto& layer : inspection.layers) {
    for (double& rate : layer.columns.sink_rate) rate = 0.0;
    for (double& mass : layer.columns.elsewhere) mass = 0.1;
    for (double& gate : layer.heads.importance) gate = 0.5;
  }
  const std::string text = all(summary(inspection));
  EXPECT_TRUE(contains(text, "No head sinks into the first token")) << text;
  EXPECT_TRUE(contains(text, "No sink elsewhere")) << text;
  EXPECT_TRUE(contains(text, "No head is asleep")) << text;
  EXPECT_TRUE(contains(text, "No beginning token")) << text;
}

TEST(Summary, ASinkElsewhereNeedsRowsThatSeeIt) {
  Inspection inspection = inspect_fixture("llama", 0);
  inspection.text.length = 64;
  for (auto& layer : inspection.layers) {
    layer.columns.elsewhere.assign(layer.columns.elsewhere.size(), 0.4);
  }
  EXPECT_TRUE(contains(all(summary(inspection)), "attention of the rows that can see it"));
  for (auto& layer : inspection.layers) layer.window = 8;
  const std::string text = all(summary(inspection));
  EXPECT_TRUE(contains(text, "No sink elsewhere")) << text;
  EXPECT_TRUE(contains(text, "windows below 32 tokens (layers 0 to ")) << text;
}

TEST(Summary, CountsSinksAndSpecialTokens) {
  Inspection inspection = inspect_fixture("llama", 0);
  inspection.layers[1].columns.sink_rate.assign(inspection.layers[1].columns.sink_rate.size(), 1.0);
  for (auto& layer : inspection.layers) {
    if (&layer != &inspection.layers[1])
      layer.columns.sink_rate.assign(layer.columns.sink_rate.size(), 0.49);
  }
  inspection.layers[1].heads.importance[0] = 0.05;
  inspection.text.special_inside = 2;
  for (auto& layer : inspection.layers)
    layer.columns.marked.assign(layer.columns.sink_rate.size(), 0.2);
  inspection.layers[0].columns.marked[1] = 0.4;
  const std::string text = all(summary(inspection));
  const auto H = inspection.layers[1].columns.sink_rate.size();
  EXPECT_TRUE(contains(text, "first token: " + std::to_string(H) + " of ")) << text;
  EXPECT_TRUE(contains(text, "they are in layer 1")) << text;
  EXPECT_TRUE(contains(text, "Asleep: 1 of")) << text;
  EXPECT_TRUE(contains(text, "2 special tokens stand at later positions")) << text;
  EXPECT_TRUE(contains(text, "give such a token a mean weight above 0.3 (layer 0)")) << text;
}

TEST(Summary, TellsWhatSinksWrite) {
  Inspection inspection = inspect_fixture("llama", 0);
  for (auto& layer : inspection.layers) {
    layer.columns.sink_rate.assign(layer.columns.sink_rate.size(), 0.0);
    layer.heads.value_drain.assign(layer.columns.sink_rate.size(), 0.1);
  }
  EXPECT_FALSE(contains(all(summary(inspection)), "no-op"));
  auto& last = inspection.layers.back();
  last.columns.sink_rate[0] = last.columns.sink_rate[1] = last.columns.sink_rate[2] = 1.0;
  last.heads.value_drain[1] = 0.9, last.heads.value_drain[2] = 0.5;
  const std::string text = all(summary(inspection));
  EXPECT_TRUE(contains(text, "in 1 of 3 heads (33 %) next to nothing (no-op")) << text;
  EXPECT_TRUE(contains(text, "in 1 as much as any token (broadcast")) << text;
}

TEST(Summary, SaysWhichOrderFindsTheHeadsThatCanGo) {
  Inspection inspection = inspect_fixture("llama", 1);
  auto& curves = inspection.interventions->curves;
  for (const auto& [honor, said] : {std::pair(1.0, "HONOR finds the heads that can go better"),
                                    std::pair(3.0, "Importance finds the heads that can go")}) {
    curves[0].loss.assign(curves[0].loss.size(), 2.0);
    curves[1].loss.assign(curves[1].loss.size(), honor);
    EXPECT_TRUE(contains(all(summary(inspection)), said)) << all(summary(inspection));
  }
  curves[1].loss[0] = 1.0;
  EXPECT_TRUE(contains(all(summary(inspection)), "Neither importance nor HONOR"));
}

// 40 layers: on a screen of 24 rows the sentences that there is room for and the four layers that
// are always there.
TEST(Terminal, LayersGiveWayToASmallScreen) {
  Inspection inspection = inspect_fixture("llama", 0);
  inspection.layers.resize(40, inspection.layers.front());
  auto lines = [&](int columns, int rows) {
    const std::string text = to_terminal(inspection, columns, rows);
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_LE(lines(80, 24), 24 - 3);  // the place of the page and the prompt follow
  EXPECT_LE(lines(100, 36), 36 - 3);
  EXPECT_EQ(lines(100, 100) - lines(100, 90), 0);
  EXPECT_TRUE(contains(to_terminal(inspection, 80, 24), "more in the report"));
  EXPECT_FALSE(contains(to_terminal(inspection, 100, 100), "more in the report"));
}

// Where every row sees itself alone no gate is measured: nothing is found, and nothing made up.
TEST(Summary, SaysWhatCouldNotBeMeasured) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  Inspection inspection = inspect_fixture("llama", 0);
  for (LayerInspection& layer : inspection.layers) {
    for (auto* figure : {&layer.heads.importance, &layer.heads.first_token_weight}) {
      figure->assign(figure->size(), kNan);
    }
    layer.cv = layer.effective_heads = layer.mean_gate = kNan;
  }
  const std::string said = all(summary(inspection));
  EXPECT_TRUE(contains(said, "cannot be told: no later row sees it")) << said;
  EXPECT_TRUE(contains(said, "No gate (first token) could be measured")) << said;
  EXPECT_FALSE(contains(said, "unequal: CV")) << said;
  EXPECT_FALSE(contains(to_terminal(inspection), "\u2581"));
}

// A layer that puts out nothing has HONOR 0, and no place of its own among the others.
TEST(Facts, ALayerThatPutsOutNothing) {
  Inspection inspection = inspect_fixture("llama", 0);
  auto& output = inspection.layers[0].heads.output_norm;
  output.assign(output.size(), 0.0);
  const auto parsed = to_json(inspection)["layers"][0]["heads"]["honor_over_layer_mean"];
  for (const auto& value : parsed) EXPECT_EQ(value.get<double>(), 0.0);
}

TEST(Output, ALearnedSinkHasTheRestOfTheGate) {
  const auto parsed = to_json(inspect_fixture("gpt_oss", 0))["layers"][0]["heads"];
  for (std::size_t h = 0; h < parsed["importance"].size(); ++h) {
    EXPECT_DOUBLE_EQ(parsed["learned_sink"][h].get<double>(),
                     1.0 - parsed["importance"][h].get<double>());
  }
}

}  // namespace
}  // namespace sinkwise::inspect
