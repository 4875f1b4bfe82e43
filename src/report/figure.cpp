#include "figure.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>

#include "escape.h"
#include "plotly.h"
#include "sinkwise/report/format.h"

namespace sinkwise::report {
namespace {

struct Data {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

std::string title_or(const std::string& title, const char* otherwise) {
  return title.empty() ? otherwise : title;
}

// One row an x: lines may have been measured at different x.
Data data_of(const Chart& chart, const LineChart& lines) {
  Data data{{title_or(chart.x.title, "x")}, {}};
  std::map<double, std::map<std::size_t, std::string>> cells;
  for (const Line& line : lines.lines) {
    const std::size_t column = data.columns.size();
    data.columns.push_back(line.name);
    if (!line.low.empty()) data.columns.push_back(line.name + ", range");
    for (std::size_t i = 0; i < line.x.size(); ++i) {
      if (std::isnan(line.x[i])) continue;
      cells[line.x[i]][column] = significant(line.y[i]);
      if (!line.low.empty())
        cells[line.x[i]][column + 1] =
            significant(line.low[i]) + " to " + significant(line.high[i]);
    }
  }
  for (const auto& [x, values] : cells) {
    std::vector<std::string> row(data.columns.size(), kMissing);
    row[0] = significant(x);
    for (const auto& [column, text] : values) row[column] = text;
    data.rows.push_back(row);
  }
  return data;
}

Data data_of(const Chart& chart, const HeatMap& map) {
  Data data{{title_or(chart.y.title, "row")}, {}};
  data.columns.insert(data.columns.end(), map.columns.begin(), map.columns.end());
  for (std::size_t i = 0; i < map.rows.size(); ++i) {
    data.rows.push_back({map.rows[i]});
    for (const double value : map.values[i]) data.rows.back().push_back(significant(value));
  }
  return data;
}

Data data_of(const Chart& chart, const BarChart& bars) {
  Data data{{title_or(chart.x.title, "category")}, {}};
  for (const std::string& category : bars.categories) data.rows.push_back({category});
  for (const BarSeries& series : bars.series) {
    data.columns.push_back(series.name);
    for (std::size_t i = 0; i < series.values.size(); ++i) {
      const std::string spread = series.errors.empty() || !std::isfinite(series.errors[i])
                                     ? ""
                                     : " \u00b1 " + significant(series.errors[i]);
      data.rows[i].push_back(significant(series.values[i]) + spread);
    }
  }
  return data;
}

Data data_of(const Chart& chart, const Histogram& histogram) {
  Data data{{title_or(chart.x.title, "bin")}, {}};
  std::size_t bins = 0;
  for (const auto& series : histogram.series) bins = std::max(bins, series.shares.size());
  const double width = (histogram.high - histogram.low) / static_cast<double>(bins);
  for (std::size_t i = 0; i < bins; ++i) {
    const double low = histogram.low + width * static_cast<double>(i);
    data.rows.push_back({significant(low) + " to " + significant(low + width)});
  }
  for (const auto& series : histogram.series) {
    data.columns.push_back(series.name);
    for (std::size_t i = 0; i < bins; ++i)
      data.rows[i].push_back(i < series.shares.size() ? significant(series.shares[i]) : kMissing);
  }
  return data;
}

Data data_of(const Chart& chart, const Scatter& scatter) {
  Data data{{"series", "point", title_or(chart.x.title, "x"), title_or(chart.y.title, "y")}, {}};
  for (const PointSeries& series : scatter.series)
    for (std::size_t i = 0; i < series.x.size(); ++i)
      data.rows.push_back({series.name, series.labels.empty() ? kMissing : series.labels[i],
                           significant(series.x[i]), significant(series.y[i])});
  return data;
}

std::string data_html(const Data& data) {
  std::string html =
      "<details class=\"data\"><summary>Data of this chart</summary>"
      "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>";
  for (const std::string& column : data.columns)
    html += "<th scope=\"col\">" + escaped(column) + "</th>";
  html += "</tr></thead><tbody>";
  for (const auto& row : data.rows) {
    html += "<tr><th scope=\"row\">" + escaped(row[0]) + "</th>";
    for (std::size_t i = 1; i < row.size(); ++i) html += "<td>" + escaped(row[i]) + "</td>";
    html += "</tr>";
  }
  return html + "</tbody></table></div></details>";
}

using Names = std::vector<std::pair<std::string, Tone>>;

void add_name(Names& names, const std::string& name, Tone tone) {
  const bool known = std::any_of(names.begin(), names.end(),
                                 [&](const auto& entry) { return entry.first == name; });
  if (!known) names.emplace_back(name, tone);
}

void add_names(Names& names, const LineChart& chart) {
  for (const Line& line : chart.lines) add_name(names, line.name, line.tone);
}
void add_names(Names&, const HeatMap&) {}
template <typename WithSeries>
void add_names(Names& names, const WithSeries& chart) {
  for (const auto& series : chart.series) add_name(names, series.name, series.tone);
}

// Pressing it changes the drawing alone: the table below keeps the order of the columns.
std::string sort_button(const Chart& chart, int number) {
  const auto* map = std::get_if<HeatMap>(&chart.data);
  if (map == nullptr || !map->sortable) return "";
  return fmt::format(
      " <button type=\"button\" class=\"sort\" aria-pressed=\"false\" "
      "data-figure=\"figure-{}\">Sort each row</button>",
      number);
}

}  // namespace

std::string figure_html(const Chart& chart, bool legend, int number) {
  const Data data =
      std::visit([&](const auto& content) { return data_of(chart, content); }, chart.data);
  return fmt::format(
      "<figure class=\"chart\"><h4>{}</h4>\n"
      "<div class=\"plot\" role=\"img\" aria-label=\"{}\" data-figure=\"figure-{}\" "
      "style=\"height:{}px\"></div>\n"
      "<script type=\"application/json\" id=\"figure-{}\">{}</script>\n"
      "<figcaption>{}{}</figcaption>{}</figure>\n",
      escaped(chart.title),
      escaped("Chart: " + chart.title + ". " + chart.caption + " The data follow as a table."),
      number, chart.height, number, script_json(plotly_figure(chart, legend)),
      escaped(chart.caption), sort_button(chart, number), data_html(data));
}

std::string legend_html(const Grid& grid) {
  Names names;
  for (const Chart& chart : grid.charts)
    std::visit([&](const auto& data) { add_names(names, data); }, chart.data);
  if (names.size() < 2) return "";
  std::string html = "<ul class=\"legend\">";
  for (const auto& [name, tone] : names)
    html += fmt::format("<li><span class=\"swatch\" style=\"background:{}\"></span>{}</li>",
                        colour(tone), escaped(name));
  return html + "</ul>\n";
}

}  // namespace sinkwise::report
