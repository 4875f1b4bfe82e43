#include "check.h"

#include <set>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::report {
namespace {

[[noreturn]] void fail(const std::string& where, const std::string& expected,
                       const std::string& found) {
  throw BadArgument({.what = "A block of the report does not fit together.",
                     .where = where,
                     .expected = expected,
                     .found = found,
                     .next = "repair the code that builds the document"});
}

void same_size(const std::string& where, const char* what, std::size_t expected,
               std::size_t found) {
  if (expected != found) fail(where, concat(expected, " ", what), concat(found, " ", what));
}

void same_size_or_empty(const std::string& where, const char* what, std::size_t expected,
                        std::size_t found) {
  if (found != 0) same_size(where, what, expected, found);
}

void check_data(const std::string& where, const LineChart& chart) {
  for (const Line& line : chart.lines) {
    same_size(where + ", " + line.name, "y values", line.x.size(), line.y.size());
    same_size_or_empty(where + ", " + line.name, "low ends", line.x.size(), line.low.size());
    same_size(where + ", " + line.name, "high ends", line.low.size(), line.high.size());
  }
}

void check_data(const std::string& where, const HeatMap& map) {
  same_size(where, "rows of values", map.rows.size(), map.values.size());
  for (const auto& row : map.values) same_size(where, "columns", map.columns.size(), row.size());
}

void check_data(const std::string& where, const BarChart& chart) {
  for (const BarSeries& series : chart.series) {
    same_size(where + ", " + series.name, "bars", chart.categories.size(), series.values.size());
    same_size_or_empty(where + ", " + series.name, "error bars", series.values.size(),
                       series.errors.size());
  }
}

void check_data(const std::string& where, const Histogram& histogram) {
  if (!(histogram.low < histogram.high))
    fail(where, "low < high", concat(histogram.low, ", ", histogram.high));
}

void check_data(const std::string& where, const Scatter& chart) {
  for (const PointSeries& series : chart.series) {
    same_size(where + ", " + series.name, "y values", series.x.size(), series.y.size());
    same_size_or_empty(where + ", " + series.name, "labels", series.x.size(), series.labels.size());
  }
}

void check_chart(const std::string& where, const Chart& chart) {
  const std::string inside = where + ", chart '" + chart.title + "'";
  std::visit([&](const auto& data) { check_data(inside, data); }, chart.data);
}

template <typename Plain>
void check_block(const std::string&, const Plain&) {}

template <>
void check_block(const std::string& where, const Table& table) {
  for (const auto& row : table.rows)
    same_size(where + ", table '" + table.caption + "'", "cells in a row", table.columns.size(),
              row.size());
}

template <>
void check_block(const std::string& where, const Chart& chart) {
  check_chart(where, chart);
}

template <>
void check_block(const std::string& where, const Grid& grid) {
  for (const Chart& chart : grid.charts) check_chart(where, chart);
}

template <>
void check_block(const std::string& where, const MapList& list) {
  check_chart(where, list.first);
  const auto* map = std::get_if<HeatMap>(&list.first.data);
  if (map == nullptr) fail(where + ", list of maps", "a heat map to begin with", "another chart");
  for (const MapList::Map& other : list.maps) {
    const std::string inside = where + ", map '" + other.name + "'";
    same_size(inside, "rows of values", map->rows.size(), other.values.size());
    for (const auto& row : other.values)
      same_size(inside, "columns", map->columns.size(), row.size());
  }
}

void check_anchor(const std::string& id) {
  const char* const kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  if (id.empty() || id.find_first_not_of(kAllowed) != std::string::npos)
    fail("section id", "letters, digits, '-' and '_'", "'" + printable(id) + "'");
}

}  // namespace

void check(const Document& document) {
  std::set<std::string> anchors;
  for (const Section& section : document.sections) {
    check_anchor(section.id);
    if (!anchors.insert(section.id).second)
      fail("section id", "an anchor of its own for each section", "'" + section.id + "' twice");
    for (const Block& block : section.blocks)
      std::visit([&](const auto& b) { check_block("section '" + section.id + "'", b); }, block);
  }
}

}  // namespace sinkwise::report
