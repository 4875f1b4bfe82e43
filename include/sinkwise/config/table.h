#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinkwise/config/problem.h"
#include "sinkwise/config/value.h"
#include "sinkwise/core/error.h"

namespace sinkwise::config {

// What may be said about a key beside its help.
struct Options {
  std::string unit = {};   // "tokens", "nats", "bytes"; empty: a bare number
  Range range = {};        // numbers and lists of integers
  bool resumable = false;  // may change when a run resumes: left out of fingerprint()
};

// One documented key, for help, completion and reference pages.
struct Row {
  std::string key;
  std::string type;           // name_of(Type)
  std::string default_value;  // TOML syntax
  std::string unit;
  std::string range;                 // Range::describe()
  std::vector<std::string> choices;  // of a choice, in the order of declaration
  std::string help;
  std::string environment;  // SINKWISE_OPTIM_LR
  bool resumable = false;
};

// The one list of keys: parsing, defaults, help, origins and documentation all read it.
//
//   Table table("sinkwise train --help");
//   table.add("optim.lr", options.lr, "learning rate at the peak", {.range = above(0)});
//   table.load_file("recipe.toml");
//   table.load_environment(process_environment(), {"SINKWISE_BIN"});
//   table.set("optim.lr=3e-3");
//   table.finish();  // writes the targets, or throws every problem at once
//
// Precedence: defaults < files and load_text (a later one over an earlier) < environment < --set,
// whatever the order of the calls. The loaders only collect; nothing reaches a target before
// finish(), and nothing at all when there is a problem. Targets must outlive the table.
class Table {
 public:
  // `help_command` lists all keys; error messages end with it.
  explicit Table(std::string help_command = {});

  // A key is one or more words of [a-z0-9_] joined by dots; all words but the last name the
  // section. The default is the target's value now. Throws BadArgument for a malformed or duplicate
  // key, one that is a section of another key, one whose environment name is taken, a default
  // outside the range, and an empty help text.
  void add(const std::string& key, bool& target, std::string help, Options options = {});
  void add(const std::string& key, std::int64_t& target, std::string help, Options options = {});
  void add(const std::string& key, double& target, std::string help, Options options = {});
  void add(const std::string& key, std::string& target, std::string help, Options options = {});
  void add(const std::string& key, std::vector<std::string>& target, std::string help,
           Options options = {});
  void add(const std::string& key, std::vector<std::int64_t>& target, std::string help,
           Options options = {});

  // One name of a closed list; the target's value now must be among them.
  template <typename Enum>
  void choice(const std::string& key, Enum& target,
              const std::vector<std::pair<std::string, Enum>>& names, std::string help,
              Options options = {});

  // A TOML file of at most 8 MiB; a missing, unreadable or malformed one is a problem like any
  // other.
  void load_file(const std::filesystem::path& path);

  // TOML text; `origin` stands for the file's name in messages and comments.
  void load_text(std::string_view toml, const std::string& origin);

  // Variables named SINKWISE_<KEY>, with dots as underscores. Others that start with SINKWISE_ are
  // refused unless `allowed` names them. Values are written as for set().
  void load_environment(const std::map<std::string, std::string>& variables,
                        const std::set<std::string>& allowed = {});

  // "key=value": numbers as in TOML or "1e-2" and "5" for any number, true/false/1/0, strings
  // without quotes, lists as a,b,c (empty: no elements). A key set twice is a problem.
  void set(std::string_view assignment);

  // Writes every target, or throws ConfigProblems with all problems found since construction.
  void finish();

  // In the order of declaration.
  std::vector<Row> describe() const;

  // The outputs below show the defaults and everything loaded so far.

  // All keys grouped by [section], each with a comment of its origin when asked for: "# default",
  // "# recipe.toml:12", "# environment SINKWISE_OPTIM_LR", "# --set". Parses back to the same
  // values.
  std::string to_toml(bool with_origins = true) const;

  // {"optim.lr": 0.01, ...} in the order of the keys' names; a choice is its name.
  std::string to_json() const;

  // "default", "recipe.toml:12", "environment SINKWISE_OPTIM_LR" or "--set".
  const std::string& origin(const std::string& key) const;

  // A hash over key = value of all keys that are not resumable and do not start with one of the
  // prefixes; independent of the order of declaration.
  std::uint64_t fingerprint(const std::vector<std::string>& except_prefixes = {}) const;

 private:
  enum class Rank { initial, file, environment, set };

  struct Entry {
    std::string key;
    Type type;
    Value initial;
    Value value;
    std::string help;
    Options options;
    std::vector<std::string> choices;
    std::string environment;
    std::function<void(const Value&)> store;
    std::string origin = "default";
    Rank rank = Rank::initial;
    bool set_before = false;
  };

  template <typename T>
  void add_typed(const std::string& key, Type type, T& target, std::string help, Options options);
  void add_choice(const std::string& key, std::vector<std::string> names,
                  const std::string* initial, std::function<void(std::size_t)> store,
                  std::string help, Options options);
  void insert(Entry entry);
  void check_key(const Entry& entry) const;

  Entry* find(const std::string& key);
  bool is_section(const std::string& key) const;
  std::vector<std::string> keys() const;

  void report(std::string key, std::string origin, std::string message,
              std::string suggestion = {});
  bool may_guess() const;
  void report_unknown(const std::string& key, const std::string& origin);
  void report_mismatch(const Entry& entry, const std::string& origin, const std::string& found);
  void assign_text(Entry& entry, std::string_view text, const std::string& origin, Rank rank);
  void assign(Entry& entry, Value value, const std::string& origin, Rank rank);

  std::string help_command_;
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t> index_;
  std::vector<Problem> problems_;
};

// The variables of this process.
std::map<std::string, std::string> process_environment();

template <typename Enum>
void Table::choice(const std::string& key, Enum& target,
                   const std::vector<std::pair<std::string, Enum>>& names, std::string help,
                   Options options) {
  std::vector<std::string> words;
  std::vector<Enum> values;
  const std::string* initial = nullptr;
  for (const auto& [word, value] : names) {
    words.push_back(word);
    values.push_back(value);
    if (value == target && initial == nullptr) initial = &word;
  }
  auto store = [&target, values](std::size_t index) { target = values[index]; };
  add_choice(key, std::move(words), initial, store, std::move(help), std::move(options));
}

}  // namespace sinkwise::config
