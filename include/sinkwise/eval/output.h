#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sinkwise/eval/evaluation.h"

namespace sinkwise::eval {

inline constexpr const char* kSchema = "sinkwise.evaluation/1";
inline constexpr const char* kSettingsSchema = "sinkwise.evaluation_settings/2";
inline constexpr const char* kEvaluationFile = "evaluation.json";
inline constexpr const char* kItemsFile = "items.jsonl";
inline constexpr const char* kSettingsFile = "settings.json";

// XXH3-128 of the names and contents of the files that a model is read from: configuration and
// weights of a folder, or the one file with the configuration beside it. BadFile when one cannot be
// read.
std::string hash_model(const std::filesystem::path& path);

struct Settings {
  std::string model;                      // path
  std::string model_hash;                 // hash_model()
  std::string bos;                        // "auto", "always", "never"
  std::vector<tokenizer::TokenId> begin;  // what that came to
  WindowOptions windows;
  std::int64_t batch_tokens = 0;
};

// What decides every number, for ItemLog. Paths are left out: hashes stand for what they lead to.
nlohmann::json settings_json(const Settings& settings, const std::vector<Task>& tasks);

// Another evaluation of the same items.
struct Other {
  std::string directory, model;                // its path
  std::vector<std::vector<ItemScore>> scores;  // as score_tasks() gives them
};

// From the directory that its --out named. BadFile when there is no finished evaluation; BadConfig
// when it lacks one of `tasks` or has other items in it.
Other read_other(const std::filesystem::path& directory, const std::vector<Task>& tasks);

struct TaskComparison {
  std::string name;
  std::vector<Difference> differences;
};

struct Comparison {
  std::string directory, model;  // of the other one
  Bootstrap bootstrap;
  std::vector<TaskComparison> tasks;
};

Comparison compare(const std::vector<Task>& tasks, const std::vector<std::vector<ItemScore>>& ours,
                   const Other& other, const Bootstrap& bootstrap);

struct Evaluation {
  std::string command;  // repeats it
  Settings settings;
  pretrained::ModelConfig model;
  std::vector<TaskResult> tasks;
  std::optional<Comparison> against;
};

// evaluation.json: docs/evaluation.md.
nlohmann::json to_json(const Evaluation& evaluation);

}  // namespace sinkwise::eval
