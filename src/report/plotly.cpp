#include "plotly.h"

#include <array>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>

#include "escape.h"

namespace sinkwise::report {
namespace {

using nlohmann::json;

struct Look {
  const char* colour;
  const char* dash;
  const char* symbol;
};
constexpr std::array<Look, kTones> kLooks = {{{"#0072b2", "solid", "circle"},
                                              {"#d55e00", "6px,3px", "diamond"},
                                              {"#009e73", "2px,3px", "square"},
                                              {"#cc79a7", "8px,3px,2px,3px", "triangle-up"},
                                              {"#e69f00", "10px,4px", "cross"},
                                              {"#56b4e9", "4px,2px,1px,2px", "x"},
                                              {"#000000", "solid", "star"}}};

constexpr std::size_t kMostWrittenColumns = 12;
constexpr std::size_t kMostNamed = 24;

const Look& look(Tone tone) { return kLooks[static_cast<std::size_t>(tone) % kTones]; }

std::string translucent(Tone tone, double opacity) {
  const unsigned long rgb = std::strtoul(look(tone).colour + 1, nullptr, 16);
  return fmt::format("rgba({},{},{},{:g})", rgb >> 16, rgb >> 8 & 255, rgb & 255, opacity);
}

// Six digits: no chart shows more, and the page is smaller.
json rounded(double value) { return std::strtod(fmt::format("{:.6g}", value).c_str(), nullptr); }

json rounded(const std::vector<double>& values) {
  json list = json::array();
  for (const double value : values) list.push_back(rounded(value));
  return list;
}

json texts(const std::vector<std::string>& values) {
  json list = json::array();
  for (const std::string& value : values) list.push_back(drawn_text(value));
  return list;
}

// A closed outline: along the low ends, back along the high ends.
json band_trace(const Line& line) {
  std::vector<double> x, y;
  const auto add = [&](std::size_t i, double end) {
    if (!std::isfinite(line.low[i]) || !std::isfinite(line.high[i])) return;
    x.push_back(line.x[i]);
    y.push_back(end);
  };
  for (std::size_t i = 0; i < line.x.size(); ++i) add(i, line.low[i]);
  for (std::size_t i = line.x.size(); i-- > 0;) add(i, line.high[i]);
  return {{"type", "scatter"},
          {"mode", "lines"},
          {"x", rounded(x)},
          {"y", rounded(y)},
          {"line", {{"width", 0}}},
          {"fill", "toself"},
          {"fillcolor", translucent(line.tone, 0.16)},
          {"hoverinfo", "skip"},
          {"showlegend", false},
          {"legendgroup", drawn_text(line.name)}};
}

json line_trace(const Line& line) {
  return {
      {"type", "scatter"},
      {"mode", line.x.size() == 1 ? "markers" : "lines"},
      {"name", drawn_text(line.name)},
      {"legendgroup", drawn_text(line.name)},
      {"x", rounded(line.x)},
      {"y", rounded(line.y)},
      {"hovertemplate", "%{y:.4g}"},
      {"marker", {{"color", look(line.tone).colour}, {"symbol", look(line.tone).symbol}}},
      {"line", {{"color", look(line.tone).colour}, {"dash", look(line.tone).dash}, {"width", 2}}}};
}

json traces(const LineChart& chart) {
  json list = json::array();
  for (const Line& line : chart.lines)
    if (!line.low.empty()) list.push_back(band_trace(line));
  for (const Line& line : chart.lines) list.push_back(line_trace(line));
  return list;
}

// Both ends are tones of the palette, told apart by all kinds of colour vision.
json diverging_colours() {
  return json::array({{0.0, look(0).colour}, {0.5, "#f7f7f7"}, {1.0, look(1).colour}});
}

// Values are written into the cells while there is room for them; a colour scale stands in for them
// otherwise.
json traces(const HeatMap& map) {
  json rows = json::array();
  for (const auto& row : map.values) rows.push_back(rounded(row));
  const bool written = map.columns.size() <= kMostWrittenColumns;
  json trace = {
      {"type", "heatmap"},
      {"x", texts(map.columns)},
      {"y", texts(map.rows)},
      {"z", rows},
      {"colorscale", map.diverging ? diverging_colours() : json("Viridis")},
      {"xgap", 2},
      {"ygap", 2},
      {"hovertemplate", "%{y}, %{x}: %{z:.4g}<extra></extra>"},
      {"showscale", !written},
      {"colorbar",
       {{"title",
         {{"text", drawn_text(map.value_title)}, {"side", "right"}, {"font", {{"size", 11}}}}},
        {"tickfont", {{"size", 10}}},
        {"thickness", 10},
        {"outlinewidth", 0},
        {"len", 1.0}}}};
  if (written) trace["texttemplate"] = "%{z:.2f}";
  if (map.range)
    trace["zmin"] = rounded(map.range->first), trace["zmax"] = rounded(map.range->second);
  return json::array({trace});
}

json traces(const BarChart& chart) {
  json list = json::array();
  for (const BarSeries& series : chart.series) {
    json trace = {{"type", "bar"},
                  {"name", drawn_text(series.name)},
                  {"x", texts(chart.categories)},
                  {"y", rounded(series.values)},
                  {"hovertemplate", "%{x}: %{y:.4g}"},
                  {"marker", {{"color", look(series.tone).colour}}}};
    if (!series.errors.empty())
      trace["error_y"] = {{"type", "data"},
                          {"array", rounded(series.errors)},
                          {"color", "#444c56"},
                          {"thickness", 1.2},
                          {"width", 3}};
    list.push_back(trace);
  }
  return list;
}

json traces(const Histogram& histogram) {
  json list = json::array();
  for (const HistogramSeries& series : histogram.series) {
    std::vector<double> edges, shares = series.shares;
    const double width = (histogram.high - histogram.low) / static_cast<double>(shares.size());
    for (std::size_t i = 0; i <= shares.size(); ++i)
      edges.push_back(histogram.low + width * static_cast<double>(i));
    if (!shares.empty()) shares.push_back(shares.back());  // the last step ends at the last edge
    list.push_back(
        {{"type", "scatter"},
         {"mode", "lines"},
         {"name", drawn_text(series.name)},
         {"x", rounded(edges)},
         {"y", rounded(shares)},
         {"hovertemplate", "%{y:.3f} from %{x:.2f}"},
         {"fill", "tozeroy"},
         {"fillcolor", translucent(series.tone, 0.18)},
         {"line", {{"color", look(series.tone).colour}, {"shape", "hv"}, {"width", 1.6}}}});
  }
  return list;
}

json traces(const Scatter& chart) {
  json list = json::array();
  for (const PointSeries& series : chart.series)
    list.push_back({{"type", "scatter"},
                    {"mode", "markers"},
                    {"name", drawn_text(series.name)},
                    {"x", rounded(series.x)},
                    {"y", rounded(series.y)},
                    {"text", texts(series.labels)},
                    {"hovertemplate", "%{text} (%{x:.4g}, %{y:.4g})"},
                    {"marker",
                     {{"color", look(series.tone).colour},
                      {"symbol", look(series.tone).symbol},
                      {"opacity", 0.75},
                      {"size", 8}}}});
  return list;
}

// The library wants the ends of a logarithmic range as powers of ten.
json axis(const Axis& description) {
  json result = {{"title", {{"text", drawn_text(description.title)}}}};
  const auto end = [&](double value) {
    return rounded(description.logarithmic ? std::log10(value) : value);
  };
  if (description.logarithmic) result.update({{"type", "log"}, {"dtick", 1}});
  if (description.range)
    result["range"] = {end(description.range->first), end(description.range->second)};
  return result;
}

// Names instead of numbers along an axis, every one of them while there is room.
void name_categories(json& axis_layout, std::size_t count) {
  axis_layout.update({{"type", "category"}, {"showgrid", false}});
  if (count <= kMostNamed) axis_layout["nticks"] = count + 1;
}

}  // namespace

std::string colour(Tone tone) { return look(tone).colour; }

json plotly_figure(const Chart& chart, bool legend) {
  json layout = {{"height", chart.height},
                 {"showlegend", legend},
                 {"xaxis", axis(chart.x)},
                 {"yaxis", axis(chart.y)}};
  const bool lines = std::holds_alternative<LineChart>(chart.data);
  layout["hovermode"] = lines ? "x unified" : "closest";
  if (const auto* bars = std::get_if<BarChart>(&chart.data))
    name_categories(layout["xaxis"], bars->categories.size());
  if (const auto* map = std::get_if<HeatMap>(&chart.data)) {
    name_categories(layout["xaxis"], map->columns.size());
    name_categories(layout["yaxis"], map->rows.size());
    layout["yaxis"]["autorange"] = "reversed";
  }
  const auto* points = std::get_if<Scatter>(&chart.data);
  if (points != nullptr && points->diagonal && chart.x.range) {
    const auto [low, high] = *chart.x.range;
    layout["shapes"] =
        json::array({{{"type", "line"},
                      {"layer", "below"},
                      {"x0", rounded(low)},
                      {"y0", rounded(low)},
                      {"x1", rounded(high)},
                      {"y1", rounded(high)},
                      {"line", {{"color", "#8c959f"}, {"dash", "dot"}, {"width", 1}}}}});
  }
  return {{"data", std::visit([](const auto& data) { return traces(data); }, chart.data)},
          {"layout", layout}};
}

}  // namespace sinkwise::report
