#include <cmath>
#include <filesystem>
#include <set>

#include "group.h"
#include "phrases.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

// Keys that must differ between seeds or arms, or that only say where files are.
bool may_differ(const std::string& key, bool balance_too) {
  static const std::set<std::string> last = {"seed", "label", "name", "directory", "out", "output"};
  const std::string first_part = key.substr(0, key.find('.'));
  return last.contains(key.substr(key.rfind('.') + 1)) || (balance_too && first_part == "balance");
}

std::map<std::string, std::string> settings_of(const Run& run) {
  std::map<std::string, std::string> settings = run.config;
  settings.emplace("steps", std::to_string(run.steps));
  return settings;
}

// The keys whose values differ between the runs, a missing key being a value of its own.
std::set<std::string> differing_keys(const std::vector<const Run*>& runs, bool balance_too) {
  std::map<std::string, std::map<std::string, int>> seen;
  for (const Run* run : runs)
    for (const auto& [key, value] : settings_of(*run)) ++seen[key][value];
  std::set<std::string> keys;
  for (const auto& [key, values] : seen) {
    const bool same = values.size() == 1 && values.begin()->second == static_cast<int>(runs.size());
    if (!same && !may_differ(key, balance_too)) keys.insert(key);
  }
  return keys;
}

std::vector<const Run*> runs_of(const Arm& arm) {
  std::vector<const Run*> runs;
  for (const Run& run : arm.runs) runs.push_back(&run);
  return runs;
}

std::string listed(const std::set<std::string>& keys) {
  return join(std::vector<std::string>(keys.begin(), keys.end()));
}

void add_mixed_arms(std::vector<std::string>& list, const Comparison& comparison) {
  for (const Arm& arm : comparison.arms) {
    auto keys = differing_keys(runs_of(arm), arm.balance.is_base());
    keys.erase("train.init_from");  // every seed goes on from a base of its own
    if (keys.empty()) continue;
    list.push_back("The runs of " + placed_arm(comparison, arm) +
                   " differ in more than the seed: " + listed(keys) + ".");
  }
}

void add_mixed_pairs(std::vector<std::string>& list, const Comparison& comparison) {
  for (const Pair& pair : comparison.pairs) {
    const Arm& base = comparison.arms[pair.base];
    const Arm& balanced = comparison.arms[pair.balanced];
    const auto keys = differing_keys({&base.runs.front(), &balanced.runs.front()}, true);
    if (!keys.empty())
      list.push_back(placed_arm(comparison, balanced) +
                     " differs from its twin in more than the balance: " + listed(keys) + ".");
  }
}

void add_faulty_runs(std::vector<std::string>& list, const Comparison& comparison) {
  for (const Arm& arm : comparison.arms)
    for (const Run& run : arm.runs) {
      const std::string name = concat(placed_arm(comparison, arm), ", seed ", run.seed);
      if (!std::isfinite(run.figures.at("loss")))
        list.push_back(name +
                       " has no finite validation loss and is left out of the means of its arm.");
      if (run.skipped_steps > 0)
        list.push_back(concat(name, " skipped ", counted(run.skipped_steps, "step"),
                              " with non-finite gradients."));
    }
}

void add_few_seeds(std::vector<std::string>& list, const Comparison& comparison) {
  std::size_t single = 0;
  for (const Arm& arm : comparison.arms) single += arm.runs.size() == 1 ? 1 : 0;
  if (single > 0)
    list.push_back(concat(counted(single, "arm"), " of ", comparison.arms.size(),
                          single == 1 ? " has" : " have",
                          " one seed only: a hint, without any spread."));
}

void add_mixed_provenance(std::vector<std::string>& list, const Comparison& comparison) {
  std::map<std::string, std::set<std::string>> values;
  for (const Arm& arm : comparison.arms)
    for (const Run& run : arm.runs)
      for (const auto& [key, value] : run.provenance) values[key].insert(value);
  for (const auto& [key, distinct] : values)
    if (distinct.size() > 1)
      list.push_back("The runs differ in " + key + ": " + listed(distinct) + ".");
}

void add_evaluations(std::vector<std::string>& list, const Comparison& comparison) {
  std::vector<const Run*> runs;
  for (const Arm& arm : comparison.arms)
    for (const Run& run : arm.runs) runs.push_back(&run);
  for (const auto& [task, name] : metrics_of_other_items(runs))
    list.push_back(concat("Not all models answered the same items of ", printable(task), ": its ",
                          name, " is left out. Evaluate all on the same files."));
  for (const Run* run : runs) {
    const std::string model = (std::filesystem::path(run->directory) / "model").string();
    if (may_be_one_model(model, run->evaluation.facts.model)) continue;
    list.push_back(concat("The evaluation in ", printable(run->directory), " is of ",
                          printable(run->evaluation.facts.model), ". Is that the run's model?"));
  }
}

}  // namespace

std::vector<std::string> cautions_of(const Comparison& comparison) {
  std::vector<std::string> list;
  add_faulty_runs(list, comparison);
  add_mixed_arms(list, comparison);
  add_mixed_pairs(list, comparison);
  add_mixed_provenance(list, comparison);
  add_few_seeds(list, comparison);
  add_evaluations(list, comparison);
  return list;
}

std::vector<std::pair<std::string, std::string>> provenance_of(const std::vector<Arm>& arms) {
  std::vector<std::pair<std::string, std::string>> list;
  const auto add = [&](const std::string& key, const std::string& value) {
    for (auto& [known, values] : list) {
      if (known != key) continue;
      if ((", " + values + ", ").find(", " + value + ", ") == std::string::npos)
        values += ", " + value;
      return;
    }
    list.emplace_back(key, value);
  };
  for (const Arm& arm : arms)
    for (const Run& run : arm.runs)
      for (const auto& [key, value] : run.provenance) add(key, value);
  return list;
}

}  // namespace sinkwise::compare
