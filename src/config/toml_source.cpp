#include "toml_source.h"

#include <algorithm>
#include <toml++/toml.h>

#include "nesting.h"
#include "quote.h"

namespace sinkwise::config {
namespace {

bool is_bare(std::string_view part) {
  return !part.empty() && std::all_of(part.begin(), part.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-';
  });
}

std::string extend(const std::string& prefix, std::string_view part) {
  const std::string shown = is_bare(part) ? std::string(part) : quote(part);
  return prefix.empty() ? shown : prefix + "." + shown;
}

Literal literal_of(const toml::node& node) {
  if (const auto* value = node.as_boolean()) return {"boolean", Value(value->get()), {}};
  if (const auto* value = node.as_integer()) return {"integer", Value(value->get()), {}};
  if (const auto* value = node.as_floating_point()) return {"float", Value(value->get()), {}};
  if (const auto* value = node.as_string()) return {"string", Value(value->get()), {}};
  if (const auto* array = node.as_array()) {
    Literal literal{"array", std::nullopt, {}};
    for (const toml::node& item : *array) literal.items.push_back(literal_of(item));
    return literal;
  }
  return {node.is_table() ? "section" : "date", std::nullopt, {}};
}

void flatten(const toml::table& table, const std::string& prefix, std::vector<TomlSetting>& out) {
  for (const auto& [key, node] : table) {
    const std::string name = extend(prefix, key.str());
    const toml::table* inner = node.as_table();
    if (inner != nullptr && !inner->empty()) {
      flatten(*inner, name, out);
    } else {
      out.push_back({name, key.source().begin.line, literal_of(node)});
    }
  }
}

}  // namespace

TomlDocument read_toml(std::string_view text) {
  if (const auto fault = nesting_fault(text)) return {{}, {*fault}};
  try {
    TomlDocument document;
    flatten(toml::parse(text), "", document.settings);
    std::stable_sort(document.settings.begin(), document.settings.end(),
                     [](const auto& a, const auto& b) { return a.line < b.line; });
    return document;
  } catch (const toml::parse_error& error) {
    const auto& position = error.source().begin;
    return {{}, {{position.line, position.column, std::string(error.description())}}};
  }
}

}  // namespace sinkwise::config
