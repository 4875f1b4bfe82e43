#include "sinkwise/report/html.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sample.h"

namespace sinkwise::report {
namespace {

// The page without the chart library, which is not ours to judge.
std::string own_part(const Document& document) {
  std::string html = render_html(document);
  const std::size_t begin = html.find("<script>"), end = html.find("</script>", begin);
  EXPECT_GT(end - begin, 1'000'000u) << "the chart library is missing";
  return html.erase(begin, end - begin);
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

std::vector<nlohmann::json> figures(const std::string& html) {
  std::vector<nlohmann::json> list;
  const std::string open = "<script type=\"application/json\" id=\"figure-";
  for (std::size_t at = html.find(open); at != std::string::npos; at = html.find(open, at + 1)) {
    const std::size_t begin = html.find('>', at) + 1;
    list.push_back(
        nlohmann::json::parse(html.substr(begin, html.find("</script>", begin) - begin)));
  }
  return list;
}

TEST(Html, HoldsEveryBlock) {
  const std::string html = own_part(sample_document());
  for (const char* part : {"<h1>A report</h1>",
                           "Of nothing in particular",
                           "<dt>commit</dt><dd>abc123</dd>",
                           "<a href=\"#charts\">Charts</a>",
                           "<section id=\"words\"",
                           "Plain, <strong>strong</strong>",
                           "<code>code</code>",
                           "<h3>Inside</h3>",
                           "<li>second</li>",
                           "one --line\ntwo\n",
                           "Rule: larger than two",
                           "does not hold",
                           "none found",
                           "Claim tested: The number is larger than two.",
                           "undecided",
                           "data-key=\"0.53",
                           "<strong>0.53</strong><br><small>give or take</small>",
                           "<dt>CV</dt><dd>spread over heads</dd>",
                           "<h4>A map</h4>",
                           "class=\"swatch\""})
    EXPECT_NE(html.find(part), std::string::npos) << part;
  EXPECT_EQ(count(html, "<figure "), kSampleCharts);
}

TEST(Html, EveryChartHasWordsAndATable) {
  const std::string html = own_part(sample_document());
  EXPECT_EQ(count(html, "role=\"img\" aria-label=\"Chart: "), kSampleCharts);
  EXPECT_EQ(count(html, "<figcaption>"), kSampleCharts);
  EXPECT_EQ(count(html, "<details class=\"data\">"), kSampleCharts);
  EXPECT_NE(html.find("<th scope=\"row\">0</th><td>3</td><td>2.5 to 3.5</td><td>3</td>"),
            std::string::npos);
  EXPECT_NE(html.find("<th scope=\"row\">layer 2</th><td>\u2013</td><td>0.4</td>"),
            std::string::npos);
  EXPECT_NE(html.find("<th scope=\"row\">0</th><td>1 \u00b1 0.1</td><td>2</td>"),
            std::string::npos);
  EXPECT_NE(html.find("<th scope=\"row\">0.25 to 0.5</th><td>0.25</td>"), std::string::npos);
}

TEST(Html, AsksForNothingFromOutside) {
  const std::string html = own_part(sample_document());
  EXPECT_EQ(html.find("http://"), std::string::npos);
  EXPECT_EQ(html.find("https://"), std::string::npos);
  EXPECT_EQ(html.find(" src="), std::string::npos);
}

TEST(Html, PolicyClosesEverythingThatIsNotNamed) {
  const std::string html = own_part(sample_document());
  const std::size_t policy = html.find("http-equiv=\"Content-Security-Policy\"");
  ASSERT_NE(policy, std::string::npos);
  EXPECT_LT(policy, html.find("<title>")) << "a policy covers only what follows it";
  const std::string text = html.substr(policy, html.find('>', policy) - policy);
  EXPECT_NE(text.find("default-src 'none'"), std::string::npos);
  EXPECT_NE(text.find("connect-src 'none'"), std::string::npos);
  EXPECT_EQ(count(text, "'sha256-"), 2);
  EXPECT_EQ(text.find("unsafe-eval"), std::string::npos);
  EXPECT_EQ(text.find("script-src 'unsafe-inline'"), std::string::npos);
}

TEST(Html, HostileNamesStayText) {
  const std::string evil = "</script><img src=x onerror=alert(1)>\" ' & \x1b[31m \u202e";
  Document document = sample_document();
  document.title = document.subtitle = document.provenance[0].second = evil;
  document.sections[0].title = evil;
  document.sections[0].blocks = {
      Paragraph(evil),
      Heading{evil},
      Bullets{{evil}},
      Code{evil},
      Verdicts{evil, evil, evil, {{evil, Status::holds, evil}}},
      Table{evil, {{evil, Align::left, evil}}, {{{evil, {}, Emphasis::none, evil}}}}};
  const Axis axis{evil};
  document.sections[1].blocks = {
      Chart{evil, axis, axis, evil, LineChart{{{evil, 0, {0}, {0}}}}},
      Chart{evil, axis, axis, evil, HeatMap{{evil}, {evil}, {{0}}, evil}},
      Grid{{Chart{evil, axis, axis, evil, BarChart{{evil}, {{evil, 0, {0}}, {evil + "2", 0, {0}}}}},
            Chart{evil, axis, axis, evil, Histogram{0, 1, {{evil, 0, {1}}}}},
            Chart{evil, axis, axis, evil, Scatter{{{evil, 0, {0}, {0}, {evil}}}}}}}};
  const std::string html = own_part(document);
  EXPECT_EQ(html.find("<img"), std::string::npos);
  EXPECT_EQ(html.find('\x1b'), std::string::npos);
  EXPECT_EQ(html.find("\u202e"), std::string::npos);
  EXPECT_EQ(html.find("<extra"), std::string::npos) << "data hold no tags, not even our own";
  // The library's own pair of tags was cut down to its closing one.
  EXPECT_EQ(count(html, "</script>"), count(html, "<script") + 1);
  const auto drawn = figures(html);
  ASSERT_EQ(drawn.size(), 5u);
  for (const auto& figure : drawn) {  // labels are read as HTML by the library
    EXPECT_EQ(figure.dump().find("<img"), std::string::npos);
    EXPECT_NE(figure.dump().find("&lt;img"), std::string::npos);
  }
}

TEST(Html, BytesThatAreNotTextBecomeVisible) {
  Document document = sample_document();
  document.title = std::string("nul \0 bad \xff end", 16);
  std::get<Chart>(document.sections[1].blocks[0]).x.title = "\xc3";
  const std::string html = own_part(document);
  EXPECT_EQ(html.find('\xff'), std::string::npos);
  EXPECT_EQ(html.find('\0'), std::string::npos);
  EXPECT_NE(html.find("\\xff"), std::string::npos);
}

TEST(Html, GapsBecomeNull) {
  const auto drawn = figures(own_part(sample_document()));
  ASSERT_EQ(drawn.size(), static_cast<std::size_t>(kSampleCharts));
  const auto& line = drawn[0]["data"];
  EXPECT_EQ(line[0]["fill"], "toself") << "bands lie under the lines";
  EXPECT_EQ(line[0]["y"], nlohmann::json({2.5, 0.5, 1.5, 3.5})) << "the band leaves out the gap";
  EXPECT_EQ(line[1]["y"], nlohmann::json({3.0, nullptr, 1.0}));
  EXPECT_EQ(drawn[3]["data"][0]["x"], nlohmann::json({0, 0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(drawn[0]["layout"]["xaxis"]["title"]["text"], "step");
}

// 1 is the last of the 64 steps, 0.5 the 32nd (63 / 2 rounded up), and a gap a point.
TEST(Html, MapsOfAListAreOneCharacterACell) {
  const std::string html = own_part(sample_document());
  EXPECT_NE(html.find("[\"/.gg\",\"/.A/\"]"), std::string::npos);
  EXPECT_NE(html.find("<option>0.1</option>"), std::string::npos);
  EXPECT_NE(html.find("data-columns=\"2\""), std::string::npos);
}

TEST(Html, LogarithmicAxesTakePlainValues) {
  const auto layout = figures(own_part(sample_document()))[0]["layout"];
  EXPECT_EQ(layout["yaxis"]["type"], "log");
  EXPECT_EQ(layout["yaxis"]["range"], nlohmann::json({-1.0, 1.0}));
  EXPECT_FALSE(layout["xaxis"].contains("type"));
}

// Blue and vermilion at the ends, nearly white between them; other maps keep their scale.
TEST(Html, DifferencesHaveColoursOfTheirOwn) {
  const auto scale_of = [](bool diverging) {
    HeatMap map{{"0"}, {"0"}, {{0.1}}, "difference", std::pair(-1.0, 1.0)};
    map.diverging = diverging;
    const Document document{.title = "d",
                            .subtitle = "",
                            .provenance = {},
                            .sections = {{"s", "S", {Chart{"c", {"x"}, {"y"}, "", map}}}}};
    return figures(own_part(document)).at(0)["data"][0]["colorscale"];
  };
  EXPECT_EQ(scale_of(false), "Viridis");
  EXPECT_EQ(scale_of(true),
            nlohmann::json::parse(R"([[0.0, "#0072b2"], [0.5, "#f7f7f7"], [1.0, "#d55e00"]])"));
}

TEST(Html, ADiagonalSpansTheRangeOfX) {
  const auto shapes_of = [](bool diagonal) {
    const Chart chart{"c",
                      {"x", std::pair(-1.0, 2.0)},
                      {"y"},
                      "",
                      Scatter{{{"points", 0, {0.0}, {1.0}, {"head 0"}}}, diagonal}};
    const Document document{
        .title = "d", .subtitle = "", .provenance = {}, .sections = {{"s", "S", {chart}}}};
    return figures(own_part(document)).at(0)["layout"].value("shapes", nlohmann::json::array());
  };
  EXPECT_TRUE(shapes_of(false).empty());
  ASSERT_EQ(shapes_of(true).size(), 1u);
  const nlohmann::json line = shapes_of(true)[0];
  EXPECT_EQ(line["x0"], -1.0);
  EXPECT_EQ(line["y0"], -1.0);
  EXPECT_EQ(line["x1"], 2.0);
  EXPECT_EQ(line["y1"], 2.0);
}

TEST(Html, IsAFunctionOfTheDocument) {
  EXPECT_EQ(render_html(sample_document()), render_html(sample_document()));
}

}  // namespace
}  // namespace sinkwise::report
