#include <gtest/gtest.h>

#include "sample.h"
#include "sinkwise/core/error.h"
#include "sinkwise/report/html.h"

namespace sinkwise::report {
namespace {

Document with(Block block) { return {"t", "s", {}, {{"one", "One", {std::move(block)}}}}; }

Chart chart_of(decltype(Chart::data) data) {
  return {"c", {"x"}, {"y"}, "caption", std::move(data)};
}

void expect_refused(const Document& document, const std::string& hint) {
  try {
    render_html(document);
    FAIL() << "accepted although " << hint;
  } catch (const BadArgument& error) {
    EXPECT_NE(std::string(error.what()).find(hint), std::string::npos) << error.what();
  }
}

TEST(Check, RefusesShapesThatDoNotAgree) {
  expect_refused(with(Table{"numbers", {{"a"}, {"b"}}, {{{"1"}, {"2"}}, {{"3"}}}}),
                 "table 'numbers'");
  expect_refused(with(chart_of(LineChart{{{"base", 0, {1, 2}, {1}}}})), "base");
  expect_refused(with(chart_of(LineChart{{{"base", 0, {1}, {1}, {1}, {}}}})), "high ends");
  expect_refused(with(chart_of(LineChart{{{"base", 0, {1, 2}, {1, 2}, {1}, {1}}}})), "low ends");
  expect_refused(with(chart_of(HeatMap{{"0"}, {"0", "1"}, {{1}}, "v"})), "2 columns");
  expect_refused(with(chart_of(HeatMap{{"0", "1"}, {"0"}, {{1}}, "v"})), "rows of values");
  expect_refused(with(chart_of(BarChart{{"0"}, {{"base", 0, {1, 2}}}})), "1 bars");
  expect_refused(with(chart_of(BarChart{{"0"}, {{"base", 0, {1}, {1, 2}}}})), "error bars");
  expect_refused(with(chart_of(Histogram{1, 1, {}})), "low < high");
  expect_refused(with(chart_of(Scatter{{{"base", 0, {1}, {1}, {"a", "b"}}}})), "labels");
  expect_refused(with(Grid{{chart_of(LineChart{{{"base", 0, {1, 2}, {1}}}})}}), "chart 'c'");
  const Chart map = chart_of(HeatMap{{"0"}, {"0", "1"}, {{1, 1}}, "v"});
  expect_refused(with(MapList{"head", map, {{"0.0", {{1}}}}}), "map '0.0'");
  expect_refused(with(MapList{"head", map, {{"0.0", {{1, 1}, {1, 1}}}}}), "rows of values");
  expect_refused(with(MapList{"head", chart_of(LineChart{}), {}}), "heat map");
}

TEST(Check, RefusesAnchorsThatAreNone) {
  expect_refused({"t", "s", {}, {{"a b", "A", {}}}}, "'a b'");
  expect_refused({"t", "s", {}, {{"", "A", {}}}}, "section id");
  expect_refused({"t", "s", {}, {{"a", "A", {}}, {"a", "B", {}}}}, "twice");
}

TEST(Check, AcceptsEmptyBlocks) {
  EXPECT_NO_THROW(render_html(with(Table{"none", {}, {}})));
  EXPECT_NO_THROW(render_html(with(chart_of(LineChart{}))));
  EXPECT_NO_THROW(render_html(with(chart_of(HeatMap{}))));
  EXPECT_NO_THROW(render_html(with(chart_of(BarChart{}))));
  EXPECT_NO_THROW(render_html(with(chart_of(Histogram{}))));
  EXPECT_NO_THROW(render_html(with(Grid{})));
  EXPECT_NO_THROW(render_html({}));
}

}  // namespace
}  // namespace sinkwise::report
