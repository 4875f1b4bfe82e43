#include "keys.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "sinkwise/core/text.h"

namespace sinkwise::apps {
namespace {

std::string accepted(const config::Row& row) {
  if (!row.choices.empty()) return join(row.choices, "|");
  return row.range.empty() ? row.type : row.type + " " + row.range;
}

void print_row(const config::Row& row) {
  std::cout << row.key << " = " << row.default_value;
  if (!row.unit.empty()) std::cout << "  [" << row.unit << "]";
  std::cout << "\n    " << row.help << "\n    " << accepted(row) << "; " << row.environment
            << (row.resumable ? "; may change when a run goes on" : "") << '\n';
}

nlohmann::json row_json(const config::Row& row) {
  return {{"key", row.key},
          {"type", row.type},
          {"default", row.default_value},
          {"unit", row.unit},
          {"range", row.range},
          {"choices", row.choices},
          {"help", row.help},
          {"environment", row.environment},
          {"resumable", row.resumable}};
}

}  // namespace

void print_keys(const config::Table& table, bool as_json) {
  if (!as_json) {
    for (const config::Row& row : table.describe()) print_row(row);
    return;
  }
  nlohmann::json list = nlohmann::json::array();
  for (const config::Row& row : table.describe()) list.push_back(row_json(row));
  std::cout << list.dump(1) << '\n';
}

}  // namespace sinkwise::apps
