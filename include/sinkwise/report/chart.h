#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sinkwise::report {

// Index into the colour-blind safe palette (Okabe and Ito): 0 blue, 1 vermilion, 2 green, 3 purple,
// 4 orange, 5 sky blue, 6 black. Each tone also has its own dash pattern, so that lines stay apart
// in print. The same tone must mean the same thing in all charts of a document.
using Tone = int;
inline constexpr int kTones = 7;

struct Axis {
  std::string title;  // with its unit: "validation loss (nats)"
  std::optional<std::pair<double, double>> range = std::nullopt;  // from the data when left out
  bool logarithmic = false;  // range then holds plain values too
};

// A line through (x_i, y_i). The band, when given, spans low_i to high_i and has the length of x.
// Values that are not finite leave a gap.
struct Line {
  std::string name;
  Tone tone = 0;
  std::vector<double> x, y;
  std::vector<double> low{}, high{};
};
struct LineChart {
  std::vector<Line> lines;
};

// values[row][column]; a value that is not finite leaves its cell empty.
struct HeatMap {
  std::vector<std::string> rows, columns;
  std::vector<std::vector<double>> values;
  std::string value_title;
  std::optional<std::pair<double, double>> range = std::nullopt;
  // Blue below the middle of the range, white there, vermilion above: for differences, whose range
  // should then be symmetric. Else dark to light.
  bool diverging = false;
  // A button beside the caption puts the largest value of each row first, and back.
  bool sortable = false;
};

// One bar a category and series. errors, when given, is the half length of the error bars.
struct BarSeries {
  std::string name;
  Tone tone = 0;
  std::vector<double> values;
  std::vector<double> errors{};
};
struct BarChart {
  std::vector<std::string> categories;
  std::vector<BarSeries> series;
};

// Shares of equally wide bins between low and high, drawn as outlined steps.
struct HistogramSeries {
  std::string name;
  Tone tone = 0;
  std::vector<double> shares;
};
struct Histogram {
  double low = 0.0, high = 1.0;
  std::vector<HistogramSeries> series;
};

// Points; labels, when given, has one text a point.
struct PointSeries {
  std::string name;
  Tone tone = 0;
  std::vector<double> x, y;
  std::vector<std::string> labels{};
};
struct Scatter {
  std::vector<PointSeries> series;
  bool diagonal = false;  // a dotted line where x = y, over the range of x
};

// A chart is never shown without its words: the caption says what is to be seen and where the
// numbers come from; the page adds a table of the data for those who cannot see the drawing.
struct Chart {
  std::string title;
  Axis x, y;
  std::string caption;
  std::variant<LineChart, HeatMap, BarChart, Histogram, Scatter> data;
  int height = 260;  // pixels of the drawing
};

// Small charts side by side. With shared_legend the names of the series stand once above the grid,
// which asks that a name has one tone throughout it.
struct Grid {
  std::vector<Chart> charts;
  bool shared_legend = true;
  int minimum_width = 320;  // pixels of one chart before the grid drops a column
};

}  // namespace sinkwise::report
