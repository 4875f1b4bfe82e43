#include "map_list.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "escape.h"

namespace sinkwise::report {
namespace {

// One character a cell: a digit of 64 steps, or a point where there is no value.
constexpr std::string_view kSteps =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char step_of(double value) {
  if (!std::isfinite(value)) return '.';
  return kSteps[static_cast<std::size_t>(std::lround(std::clamp(value, 0.0, 1.0) * 63.0))];
}

std::string cells(const std::vector<std::vector<double>>& values) {
  std::string text;
  for (const auto& row : values) {
    for (const double value : row) text += step_of(value);
  }
  return text;
}

}  // namespace

std::string map_list_html(const MapList& list, int number) {
  nlohmann::json maps = nlohmann::json::array();
  std::string options;
  for (const MapList::Map& map : list.maps) {
    maps.push_back(cells(map.values));
    options += "<option>" + escaped(map.name) + "</option>";
  }
  const std::size_t columns = std::get<HeatMap>(list.first.data).columns.size();
  return fmt::format(
      "<p class=\"chooser\"><label>{} <select autocomplete=\"off\" data-figure=\"figure-{}\" "
      "data-maps=\"maps-{}\" "
      "data-columns=\"{}\">{}</select></label></p>\n"
      "<script type=\"application/json\" id=\"maps-{}\">{}</script>\n",
      escaped(list.label), number, number, columns, options, number, script_json(maps));
}

}  // namespace sinkwise::report
