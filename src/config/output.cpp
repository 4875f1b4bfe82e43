#include <algorithm>
#include <nlohmann/json.hpp>

#include "sections.h"
#include "sinkwise/config/table.h"
#include "sinkwise/core/json.h"
#include "sinkwise/core/random.h"

namespace sinkwise::config {
namespace {

// Sections in the order of their first key; keys without a section come first, where TOML wants
// them.
std::vector<std::string> section_order(const std::vector<Row>& rows) {
  std::vector<std::string> order = {""};
  for (const Row& row : rows) {
    const std::string section = section_of(row.key);
    if (std::find(order.begin(), order.end(), section) == order.end()) order.push_back(section);
  }
  return order;
}

bool starts_with_any(const std::string& key, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return key.starts_with(prefix); });
}

}  // namespace

std::vector<Row> Table::describe() const {
  std::vector<Row> rows;
  for (const Entry& entry : entries_) {
    rows.push_back({.key = entry.key,
                    .type = name_of(entry.type),
                    .default_value = config::to_toml(entry.initial),
                    .unit = entry.options.unit,
                    .range = entry.options.range.describe(),
                    .choices = entry.choices,
                    .help = entry.help,
                    .environment = entry.environment,
                    .resumable = entry.options.resumable});
  }
  return rows;
}

std::string Table::to_toml(bool with_origins) const {
  std::string text;
  for (const std::string& section : section_order(describe())) {
    std::string lines;
    for (const Entry& entry : entries_) {
      if (section_of(entry.key) != section) continue;
      const std::string word = section.empty() ? entry.key : entry.key.substr(section.size() + 1);
      lines += word + " = " + config::to_toml(entry.value);
      if (with_origins) lines += "  # " + entry.origin;
      lines += "\n";
    }
    if (lines.empty()) continue;
    if (!text.empty()) text += "\n";
    if (!section.empty()) text += "[" + section + "]\n";
    text += lines;
  }
  return text;
}

std::string Table::to_json() const {
  auto json = nlohmann::json::object();
  for (const Entry& entry : entries_) {
    std::visit([&](const auto& value) { json[entry.key] = value; }, entry.value);
  }
  return json_text(json);
}

const std::string& Table::origin(const std::string& key) const {
  const auto place = index_.find(key);
  if (place == index_.end()) {
    throw BadArgument(
        {.what = "no such configuration key", .where = "config::Table::origin", .found = key});
  }
  return entries_[place->second].origin;
}

std::uint64_t Table::fingerprint(const std::vector<std::string>& except_prefixes) const {
  std::uint64_t hash = derive_seed(0, "sinkwise configuration");
  for (const auto& [key, place] : index_) {  // sorted by key
    const Entry& entry = entries_[place];
    if (entry.options.resumable || starts_with_any(key, except_prefixes)) continue;
    hash = derive_seed(hash, (key + " = " + config::to_toml(entry.value)).c_str());
  }
  return hash;
}

}  // namespace sinkwise::config
