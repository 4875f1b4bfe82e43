#include "sinkwise/sweep/grid.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include "sinkwise/core/error.h"
#include "sinkwise/core/file.h"
#include "sinkwise/core/text.h"

namespace sinkwise::sweep {
namespace {

constexpr std::uint64_t kMaxBytes = 1 << 20;

// Where in the file a message is about.
struct Place {
  std::string file;

  std::string of(const toml::node& node) const {
    return concat(file, ":", node.source().begin.line);
  }

  [[noreturn]] void refuse(const toml::node& node, const std::string& what,
                           const std::string& expected, const std::string& found,
                           const std::string& next = "see docs/configuration.md, Sweeps") const {
    throw BadConfig({what, of(node), expected, found, next});
  }
};

void check_keys(const toml::table& table, const std::vector<std::string>& known,
                const Place& place) {
  for (const auto& [key, node] : table) {
    const std::string word(key.str());
    if (std::find(known.begin(), known.end(), word) != known.end()) continue;
    const std::string close = nearest(word, known);
    place.refuse(node, "unknown key in a sweep", join(known), word,
                 close.empty() ? "remove it" : "did you mean " + close + "?");
  }
}

std::string text_of(const toml::table& table, const char* key, const Place& place,
                    const std::string& fallback) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return fallback;
  const auto value = node->value_exact<std::string>();
  if (!value)
    place.refuse(*node, concat("`", key, "` is not a string"), "a string", "another type");
  return *value;
}

// Keys that the sweep sets itself, and what decides them.
const std::map<std::string, std::string> kOwnKeys = {
    {"run.seed", "`seeds` decides it"},
    {"run.directory", "`out` and --out decide it"},
    {"run.threads", "every run has one thread; --workers says how many runs go at a time"},
    {"train.init_from", "`start` names the arm that another begins with"}};

std::vector<std::string> assignments_of(const toml::node& node, const Place& place) {
  std::vector<std::string> list;
  const toml::array* array = node.as_array();
  if (array == nullptr) place.refuse(node, "not a list", "a list of strings", "another type");
  for (const toml::node& element : *array) {
    const auto value = element.value_exact<std::string>();
    if (!value || value->find('=') == std::string::npos) {
      place.refuse(element, "not an assignment", "\"key=value\"", value.value_or("another type"));
    }
    if (const auto own = kOwnKeys.find(value->substr(0, value->find('='))); own != kOwnKeys.end()) {
      place.refuse(element, "a sweep sets this key itself", "any other key", *value,
                   "remove it: " + own->second);
    }
    list.push_back(*value);
  }
  return list;
}

std::vector<std::int64_t> seeds_of(const toml::table& table, const Place& place,
                                   const std::vector<std::int64_t>& fallback) {
  const toml::node* node = table.get("seeds");
  if (node == nullptr) return fallback;
  std::vector<std::int64_t> seeds;
  const toml::array* array = node->as_array();
  if (array == nullptr)
    place.refuse(*node, "`seeds` is not a list", "whole numbers", "another type");
  for (const toml::node& element : *array) {
    const auto value = element.value_exact<std::int64_t>();
    if (!value || *value < 0)
      place.refuse(element, "not a seed", "a whole number >= 0", "another value");
    seeds.push_back(*value);
  }
  return seeds;
}

double cost_of(const toml::table& table, const Place& place) {
  const toml::node* node = table.get("cost");
  if (node == nullptr) return 1.0;
  const auto value = node->value<double>();
  if (!value || !(*value > 0))
    place.refuse(*node, "`cost` is not positive", "a number > 0", "another value");
  return *value;
}

// Every way to take one assignment from each list.
std::vector<std::vector<std::string>> product(const std::vector<std::vector<std::string>>& lists) {
  std::vector<std::vector<std::string>> result = {{}};
  for (const auto& list : lists) {
    std::vector<std::vector<std::string>> longer;
    for (const auto& chosen : result) {
      for (const std::string& next : list) {
        longer.push_back(chosen);
        longer.back().push_back(next);
      }
    }
    result = std::move(longer);
  }
  return result;
}

// "sink-cv-0.01" out of {"attention.mechanism=sink", "balance.form=cv", "balance.lambda=0.01"}.
std::string name_of(const std::vector<std::string>& assignments) {
  std::vector<std::string> parts;
  for (const std::string& assignment : assignments) {
    std::string value = assignment.substr(assignment.find('=') + 1);
    for (char& c : value) {
      const bool plain = (std::isalnum(static_cast<unsigned char>(c)) != 0) || c == '.' || c == '_';
      if (!plain) c = '-';
    }
    parts.push_back(value);
  }
  return join(parts, "-");
}

std::vector<std::vector<std::string>> grid_lists(const toml::table& arm, const Place& place) {
  std::vector<std::vector<std::string>> lists;
  const toml::node* node = arm.get("grid");
  if (node == nullptr) return lists;
  if (node->as_array() == nullptr) {
    place.refuse(*node, "`grid` is not a list of lists", "[[\"key=a\", \"key=b\"], ...]",
                 "another type");
  }
  for (const toml::node& list : *node->as_array()) lists.push_back(assignments_of(list, place));
  return lists;
}

std::vector<std::string> set_of(const toml::table& arm, const Place& place) {
  const toml::node* node = arm.get("set");
  return node == nullptr ? std::vector<std::string>() : assignments_of(*node, place);
}

std::filesystem::path recipe_of(const toml::table& arm, const std::filesystem::path& file,
                                const Place& place) {
  const std::string name = text_of(arm, "recipe", place, "");
  if (name.empty())
    place.refuse(arm, "an arm names no recipe", "recipe = \"file.toml\"", "nothing");
  const std::filesystem::path recipe = file.parent_path() / name;
  if (!std::filesystem::exists(recipe)) {
    place.refuse(arm, "no such recipe", "a file beside " + file.string(), recipe.string());
  }
  return recipe;
}

// Runs that other arms may start from: by the name of the arm, in the order of its seeds.
using Named = std::map<std::string, std::vector<Job>>;

void start_from(Job& job, const toml::table& arm, std::size_t place_of_seed, const Named& before,
                const Place& place) {
  const std::string start = text_of(arm, "start", place, "");
  if (start.empty()) return;
  const auto found = before.find(start);
  if (found == before.end() || found->second.size() <= place_of_seed) {
    place.refuse(*arm.get("start"), "an arm starts from one that is not there",
                 "the name of an arm before it, with as many seeds",
                 concat(start, ", seed number ", place_of_seed + 1));
  }
  const Job& base = found->second[place_of_seed];
  job.assignments.push_back("train.init_from=" + base.directory.string());
  job.stage = base.stage + 1;
}

void keep_name(const std::vector<Job>& jobs, const toml::table& arm, std::size_t seeds,
               Named& before, const Place& place) {
  const std::string name = text_of(arm, "name", place, "");
  if (name.empty() || (jobs.size() == seeds && before.emplace(name, jobs).second)) return;
  place.refuse(*arm.get("name"), "an arm with a name has several runs for one seed",
               "no grid, or lists of one element; every name once", name);
}

Command command_of(const toml::table& arm, const Place& place) {
  const std::string word = text_of(arm, "command", place, "train");
  if (word == "train") return Command::train;
  if (word == "finetune") return Command::finetune;
  place.refuse(*arm.get("command"), "no such command in a sweep", "train or finetune", word);
}

Job job_of(const toml::table& arm, const std::filesystem::path& recipe,
           const std::vector<std::string>& named, std::int64_t seed, const Place& place,
           const std::filesystem::path& out) {
  Job job;
  job.name =
      concat(recipe.stem().string(), named.empty() ? "" : "-", name_of(named), "-seed", seed);
  job.command = command_of(arm, place);
  job.recipe = recipe;
  job.directory = out / job.name;
  job.assignments = named;
  job.assignments.push_back(concat("run.seed=", seed));
  job.assignments.push_back("run.directory=" + job.directory.string());
  job.cost = cost_of(arm, place);
  return job;
}

void add_arm(const toml::table& arm, const std::filesystem::path& file, const Place& place,
             const std::vector<std::int64_t>& common_seeds, Named& before, Grid& grid) {
  check_keys(arm, {"recipe", "command", "set", "grid", "seeds", "cost", "name", "start"}, place);
  const std::filesystem::path recipe = recipe_of(arm, file, place);
  const std::vector<std::string> common = set_of(arm, place);
  const std::vector<std::int64_t> seeds = seeds_of(arm, place, common_seeds);
  std::vector<Job> jobs;
  for (const auto& chosen : product(grid_lists(arm, place))) {
    std::vector<std::string> named = common;
    named.insert(named.end(), chosen.begin(), chosen.end());
    for (std::size_t n = 0; n < seeds.size(); ++n) {
      jobs.push_back(job_of(arm, recipe, named, seeds[n], place, grid.out));
      start_from(jobs.back(), arm, n, before, place);
    }
  }
  keep_name(jobs, arm, seeds.size(), before, place);
  grid.jobs.insert(grid.jobs.end(), jobs.begin(), jobs.end());
}

void add_overhead(const toml::table& entry, const std::filesystem::path& file, const Place& place,
                  Grid& grid) {
  check_keys(entry, {"recipe", "set", "pairs"}, place);
  OverheadJob job{recipe_of(entry, file, place), set_of(entry, place), 100};
  if (const toml::node* node = entry.get("pairs")) {
    const auto value = node->value_exact<std::int64_t>();
    if (!value || *value < 1)
      place.refuse(*node, "`pairs` is not positive", "a whole number >= 1", "another value");
    job.pairs = *value;
  }
  grid.overhead.push_back(std::move(job));
}

template <typename Use>
void for_each_table(const toml::table& root, const char* key, const Place& place, const Use& use) {
  const toml::node* node = root.get(key);
  if (node == nullptr) return;
  if (node->as_array() == nullptr) {
    place.refuse(*node, concat("`", key, "` is not a list of tables"), concat("[[", key, "]]"),
                 "another type");
  }
  for (const toml::node& element : *node->as_array()) {
    if (element.as_table() == nullptr) {
      place.refuse(element, concat("`", key, "` holds no table"), concat("[[", key, "]]"),
                   "another type");
    }
    use(*element.as_table());
  }
}

void check_names(const Grid& grid, const std::string& file) {
  std::set<std::string> names;
  for (const Job& job : grid.jobs) {
    if (names.insert(job.name).second) continue;
    throw BadConfig({"two runs of the sweep have one name", file,
                     "different assignments in each arm", job.name,
                     "give one of the arms its own run.label"});
  }
  if (grid.jobs.empty()) {
    throw BadConfig({"the sweep has no run", file, "at least one [[arms]] and one seed", "none",
                     "see docs/configuration.md, Sweeps"});
  }
}

toml::table parse(const std::filesystem::path& path) {
  try {
    return toml::parse(read_file(path, kMaxBytes), path.string());
  } catch (const toml::parse_error& problem) {
    throw BadConfig({"not TOML", concat(path.string(), ":", problem.source().begin.line),
                     "TOML 1.0", std::string(problem.description()), ""});
  }
}

}  // namespace

Call call_of(const Job& job) {
  Call call{job.name, {}, job.directory, job.cost};
  if (job.command == Command::train) {
    call.words = {"train", job.recipe.string()};
  } else {
    call.words = {"finetune", "--no-report", "--recipe", job.recipe.string()};
  }
  for (const std::string& assignment : job.assignments) {
    call.words.insert(call.words.end(), {"--set", assignment});
  }
  call.words.insert(call.words.end(), {"--set", "run.threads=1"});
  return call;
}

Grid read_grid(const std::filesystem::path& path, const std::filesystem::path& out) {
  const toml::table root = parse(path);
  const Place place{path.string()};
  check_keys(root, {"title", "out", "seeds", "arms", "overhead"}, place);
  Grid grid;
  grid.title = text_of(root, "title", place, path.stem().string());
  grid.out = text_of(root, "out", place, "runs/" + path.stem().string());
  if (!out.empty()) grid.out = out;
  const auto seeds = seeds_of(root, place, {0});
  Named named;
  for_each_table(root, "arms", place,
                 [&](const toml::table& arm) { add_arm(arm, path, place, seeds, named, grid); });
  for_each_table(root, "overhead", place,
                 [&](const toml::table& entry) { add_overhead(entry, path, place, grid); });
  check_names(grid, path.string());
  return grid;
}

}  // namespace sinkwise::sweep
