#include "sinkwise/config/table.h"

#include <algorithm>
#include <cctype>

#include "environment_name.h"
#include "expectation.h"
#include "sections.h"
#include "sinkwise/core/text.h"

namespace sinkwise::config {
namespace {

bool well_formed(const std::string& key) {
  const auto allowed = [](unsigned char c) {
    return std::islower(c) || std::isdigit(c) || c == '_' || c == '.';
  };
  return !key.empty() && key.front() != '.' && key.back() != '.' &&
         key.find("..") == std::string::npos && std::all_of(key.begin(), key.end(), allowed);
}

BadArgument bad_key(const std::string& key, const std::string& expected, const std::string& found) {
  return BadArgument({.what = "a configuration key is declared wrongly",
                      .where = "config::Table, key " + printable(key),
                      .expected = expected,
                      .found = found});
}

}  // namespace

Table::Table(std::string help_command) : help_command_(std::move(help_command)) {}

template <typename T>
void Table::add_typed(const std::string& key, Type type, T& target, std::string help,
                      Options options) {
  insert({.key = key,
          .type = type,
          .initial = target,
          .value = target,
          .help = std::move(help),
          .options = std::move(options),
          .choices = {},
          .environment = environment_name(key),
          .store = [&target](const Value& value) { target = std::get<T>(value); }});
}

void Table::add(const std::string& key, bool& target, std::string help, Options options) {
  add_typed(key, Type::boolean, target, std::move(help), std::move(options));
}

void Table::add(const std::string& key, std::int64_t& target, std::string help, Options options) {
  add_typed(key, Type::integer, target, std::move(help), std::move(options));
}

void Table::add(const std::string& key, double& target, std::string help, Options options) {
  add_typed(key, Type::number, target, std::move(help), std::move(options));
}

void Table::add(const std::string& key, std::string& target, std::string help, Options options) {
  add_typed(key, Type::text, target, std::move(help), std::move(options));
}

void Table::add(const std::string& key, std::vector<std::string>& target, std::string help,
                Options options) {
  add_typed(key, Type::texts, target, std::move(help), std::move(options));
}

void Table::add(const std::string& key, std::vector<std::int64_t>& target, std::string help,
                Options options) {
  add_typed(key, Type::integers, target, std::move(help), std::move(options));
}

void Table::add_choice(const std::string& key, std::vector<std::string> names,
                       const std::string* initial, std::function<void(std::size_t)> store,
                       std::string help, Options options) {
  if (initial == nullptr) throw bad_key(key, "a default among the choices", "another value");
  const auto store_name = [names, store](const Value& value) {
    const auto place = std::find(names.begin(), names.end(), std::get<std::string>(value));
    store(static_cast<std::size_t>(place - names.begin()));
  };
  insert({.key = key,
          .type = Type::choice,
          .initial = *initial,
          .value = *initial,
          .help = std::move(help),
          .options = std::move(options),
          .choices = std::move(names),
          .environment = environment_name(key),
          .store = store_name});
}

void Table::check_key(const Entry& entry) const {
  const std::string& key = entry.key;
  if (!well_formed(key)) throw bad_key(key, "words of [a-z0-9_] joined by dots", "another form");
  if (entry.help.empty()) throw bad_key(key, "a help text", "none");
  if (!all_within(entry.options.range, entry.initial)) {
    throw bad_key(key, "a finite default " + entry.options.range.describe(),
                  config::to_toml(entry.initial));
  }
  for (const Entry& other : entries_) {
    if (other.key == key) throw bad_key(key, "each key once", "a second declaration");
    if (is_inside(other.key, key) || is_inside(key, other.key)) {
      throw bad_key(key, "a key or a section", "both, because of " + other.key);
    }
    if (other.environment == entry.environment) {
      throw bad_key(key, "a free environment name", entry.environment + " of " + other.key);
    }
  }
}

void Table::insert(Entry entry) {
  check_key(entry);
  index_[entry.key] = entries_.size();
  entries_.push_back(std::move(entry));
}

void Table::finish() {
  if (!problems_.empty()) {
    throw ConfigProblems(
        problems_, help_command_.empty() ? "" : "all keys and their defaults: " + help_command_);
  }
  for (const Entry& entry : entries_) entry.store(entry.value);
}

}  // namespace sinkwise::config
