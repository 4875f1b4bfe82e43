#include <algorithm>
#include <unistd.h>

#include "environment_name.h"
#include "expectation.h"
#include "literal.h"
#include "quote.h"
#include "sections.h"
#include "sinkwise/config/table.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/text.h"
#include "suggest.h"
#include "toml_source.h"

namespace sinkwise::config {
namespace {

constexpr std::uint64_t kLargestFile = 8 << 20;
constexpr std::size_t kMostSuggestions = 200;  // a megabyte of unknown keys shall not take minutes

bool is_choice(const std::vector<std::string>& choices, const Value& value) {
  return std::find(choices.begin(), choices.end(), std::get<std::string>(value)) != choices.end();
}

std::string did_you_mean(const std::string& near) {
  return near.empty() ? "" : "did you mean " + near + "?";
}

}  // namespace

Table::Entry* Table::find(const std::string& key) {
  const auto place = index_.find(key);
  return place == index_.end() ? nullptr : &entries_[place->second];
}

bool Table::is_section(const std::string& key) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& entry) { return is_inside(entry.key, key); });
}

std::vector<std::string> Table::keys() const {
  std::vector<std::string> keys;
  for (const Entry& entry : entries_) keys.push_back(entry.key);
  return keys;
}

void Table::report(std::string key, std::string origin, std::string message,
                   std::string suggestion) {
  problems_.push_back(
      {std::move(key), std::move(origin), std::move(message), std::move(suggestion)});
}

bool Table::may_guess() const { return problems_.size() < kMostSuggestions; }

void Table::report_unknown(const std::string& key, const std::string& origin) {
  if (is_section(key)) {
    report(key, origin, "a section, not a key", "write the key inside it, as in " + key + ".<key>");
    return;
  }
  report(key, origin, "unknown key", did_you_mean(may_guess() ? suggest(key, keys()) : ""));
}

void Table::assign_text(Entry& entry, std::string_view text, const std::string& origin, Rank rank) {
  Converted converted = parse(entry.type, text);
  if (converted.value) {
    assign(entry, std::move(*converted.value), origin, rank);
  } else {
    report_mismatch(entry, origin, converted.found);
  }
}

void Table::report_mismatch(const Entry& entry, const std::string& origin,
                            const std::string& found) {
  report(entry.key, origin,
         "expected " + expectation(entry.type, entry.options.range, entry.choices) + ", found " +
             found);
}

void Table::assign(Entry& entry, Value value, const std::string& origin, Rank rank) {
  if (entry.type == Type::choice && !is_choice(entry.choices, value)) {
    const std::string near = nearest(std::get<std::string>(value), entry.choices);
    report_mismatch(entry, origin, config::to_toml(value));
    problems_.back().suggestion = did_you_mean(near);
    return;
  }
  if (!all_within(entry.options.range, value)) {
    report_mismatch(entry, origin, config::to_toml(value));
    return;
  }
  if (rank < entry.rank) return;
  entry.value = std::move(value);
  entry.origin = origin;
  entry.rank = rank;
}

void Table::load_file(const std::filesystem::path& path) {
  const std::string name = printable(path.string());
  try {
    load_text(read_file(path, kLargestFile), name);
  } catch (const BadFile& error) {
    const ErrorText& text = error.text();
    report("", name, text.what + (text.found.empty() ? "" : " (" + text.found + ")"), text.next);
  }
}

void Table::load_text(std::string_view toml, const std::string& origin) {
  if (toml.find('\0') != std::string_view::npos) {
    report("", origin, "a binary file, not TOML text", "pass a recipe such as recipes/demo.toml");
    return;
  }
  const std::string name = printable(origin);
  const TomlDocument document = read_toml(toml);
  for (const TomlFault& fault : document.faults) {
    report("", concat(name, ":", fault.line, ":", fault.column), "not TOML: " + fault.message);
  }
  for (const TomlSetting& setting : document.settings) {
    const std::string place = concat(name, ":", setting.line);
    Entry* entry = find(setting.key);
    if (entry == nullptr) {
      if (setting.literal.kind != "section" || !is_section(setting.key)) {
        report_unknown(setting.key, place);
      }
      continue;
    }
    Converted converted = convert(entry->type, setting.literal);
    if (converted.value) {
      assign(*entry, std::move(*converted.value), place, Rank::file);
    } else {
      report_mismatch(*entry, place, converted.found);
    }
  }
}

void Table::load_environment(const std::map<std::string, std::string>& variables,
                             const std::set<std::string>& allowed) {
  std::map<std::string, Entry*> by_name;
  for (Entry& entry : entries_) by_name[entry.environment] = &entry;
  for (const auto& [name, text] : variables) {
    if (!name.starts_with(kEnvironmentPrefix)) continue;
    const auto place = by_name.find(name);
    const std::string origin = "environment " + printable(name);
    if (place != by_name.end()) {
      assign_text(*place->second, text, origin, Rank::environment);
    } else if (!allowed.contains(name)) {
      report(name, "environment", "unknown variable",
             did_you_mean(may_guess() ? suggest_variable(name, keys()) : ""));
    }
  }
}

void Table::set(std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos) {
    report("", "--set", "expected key=value, found " + show(assignment));
    return;
  }
  const std::string key(assignment.substr(0, equals));
  Entry* entry = find(key);
  if (entry == nullptr) {
    report_unknown(key, "--set");
    return;
  }
  if (entry->set_before) report(key, "--set", "set twice", "keep one of the two");
  entry->set_before = true;
  assign_text(*entry, assignment.substr(equals + 1), "--set", Rank::set);
}

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

}  // namespace sinkwise::config
