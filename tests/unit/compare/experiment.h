#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sinkwise/core/random.h"

// Run directories with made-up but plausible contents, as the trainer writes them.
namespace sinkwise::compare {

struct ArmSpec {
  std::string task, mechanism, form, label;
  double cv, gate, first, excess;  // where the arm ends
};

struct MadeUp {
  ArmSpec arm;
  std::int64_t seed;
  int layers = 1, heads = 8;
};

inline nlohmann::json made_up_layer(const MadeUp& run, RandomStream& random) {
  using nlohmann::json;
  json importance = json::array(), ablation = json::array(), first = json::array(),
       drain = json::array();
  json copy = json::array(), plain = json::array(), histogram = json::array();
  for (int head = 0; head < run.heads; ++head) {
    const double gate = std::clamp(run.arm.gate * (1 + run.arm.cv * random.normal()), 0.01, 0.99);
    importance.push_back(gate);
    ablation.push_back(head % 4 == 1 ? 0.04 * random.uniform() + 0.01 : 0.001 * random.normal());
    const double weight = std::clamp(run.arm.first * (1 + 0.5 * random.normal()), 0.0, 1.0);
    first.push_back(weight);
    copy.push_back(weight * 0.6);
    plain.push_back(weight * 1.2);
    drain.push_back(1.0 + 0.1 * random.normal());
    json shares = json::array();
    double total = 0.0;
    for (int bin = 0; bin < 20; ++bin) {
      const double low = std::exp(-bin / 2.5) * (1 - gate),
                   high = std::exp(-(19 - bin) / 2.5) * gate;
      shares.push_back(low + high);
      total += low + high;
    }
    for (auto& share : shares) share = share.get<double>() / total;
    histogram.push_back(shares);
  }
  return {{"importance", importance},
          {"ablation", ablation},
          {"first_token_weight", first},
          {"value_drain", drain},
          {"first_token_weight_by_group", {{"bigram", plain}, {"backcopy", copy}}},
          {"gate_histogram", histogram}};
}

inline nlohmann::json made_up_result(const MadeUp& run) {
  const auto seed = static_cast<std::uint64_t>(run.seed);
  RandomStream random(seed,
                      {std::hash<std::string>()(run.arm.mechanism + run.arm.form + run.arm.label)});
  const auto near = [&](double value, double part) {
    return std::max(0.0, value * (1 + part * random.normal()));
  };
  nlohmann::json layers = nlohmann::json::array();
  for (int layer = 0; layer < run.layers; ++layer) layers.push_back(made_up_layer(run, random));
  const double excess = near(run.arm.excess + 0.002 * static_cast<double>(run.seed), 0.05);
  return {{"schema", "sinkwise.result/1"},
          {"version", "0.1.0"},
          {"commit", "3f2a9c1"},
          {"torch", "2.13.0"},
          {"device", "cpu"},
          {"dtype", "float32"},
          {"threads", 1},
          {"processor", "Some CPU @ 2.5 GHz"},
          {"task", run.arm.task},
          {"mechanism", run.arm.mechanism},
          {"label", run.arm.label},
          {"seed", run.seed},
          {"balance",
           {{"form", run.arm.form},
            {"lambda", run.arm.form == "none" ? 0.0 : 0.01},
            {"shared_heads", 0}}},
          {"config", {{"optim.lr", 0.01}, {"train.seed", run.seed}}},
          {"model", {{"layers", run.layers}, {"heads", run.heads}, {"parameters", 53000}}},
          {"steps", 400},
          {"skipped_steps", 0},
          {"final",
           {{"loss", 1.43 + excess},
            {"bits_per_byte", nullptr},
            {"excess", excess},
            {"groups",
             {{"bigram", {{"loss", 2.2}, {"excess", excess * 1.4}, {"rows", 5000}}},
              {"backcopy", {{"loss", 0.01}, {"excess", near(0.003, 0.1)}, {"rows", 2800}}}}},
            {"cv", near(run.arm.cv, 0.3)},
            {"mean_gate", near(run.arm.gate, 0.1)},
            {"min_gate", run.arm.gate * (1 - run.arm.cv)},
            {"max_gate", std::min(1.0, run.arm.gate * (1 + run.arm.cv))},
            {"effective_heads", 8 / (1 + run.arm.cv * run.arm.cv)},
            {"effective_heads_ablation", near(2.0, 0.3)},
            {"first_token_weight", near(run.arm.first, 0.1)},
            {"sink_share", run.arm.first > 0.2 ? 0.375 + 0.125 * (run.seed % 2) : 0.0},
            {"layers", layers}}},
          {"time", {{"step_ms_median", near(17.5, 0.03)}, {"wall_seconds", 8.1}}}};
}

// Rises to its end (CV, first-token weight) or falls to it (loss) within the first half.
inline std::string made_up_log(const MadeUp& run, const nlohmann::json& final_values) {
  std::string text;
  RandomStream random(static_cast<std::uint64_t>(run.seed), {17});
  for (int step = 0; step <= 400; step += 20) {
    const double done = 1 - std::exp(-step / 90.0);
    const auto rise = [&](const char* key, double from) {
      const double to = final_values[key];
      return (from + (to - from) * done) * (1 + 0.03 * random.normal());
    };
    const nlohmann::json line = {{"step", step},
                                 {"kind", "validation"},
                                 {"loss", rise("loss", 3.5)},
                                 {"excess", rise("excess", 2.0) + 2.0 * std::exp(-step / 60.0)},
                                 {"cv", rise("cv", 0.04)},
                                 {"mean_gate", rise("mean_gate", 0.5)},
                                 {"first_token_weight", rise("first_token_weight", 0.1)}};
    text += nlohmann::json{{"step", step}, {"kind", "train"}, {"loss", 2.0}}.dump() + "\n" +
            line.dump() + "\n";
  }
  return text;
}

inline void write_run(const std::filesystem::path& directory, const MadeUp& run) {
  std::filesystem::create_directories(directory);
  const nlohmann::json result = made_up_result(run);
  std::ofstream(directory / "result.json") << result.dump(1);
  std::ofstream(directory / "log.jsonl") << made_up_log(run, result["final"]);
}

// The demonstration: three mechanisms with and without balance, a control without a first token and
// one that opens gates, three seeds each.
inline std::vector<ArmSpec> demonstration_arms() {
  const std::string task = "bigram_backcopy";
  return {{task, "vanilla", "none", "", 0.21, 0.738, 0.262, 0.0243},
          {task, "vanilla", "cv", "", 0.029, 0.817, 0.183, 0.0248},
          {task, "sink", "none", "", 0.38, 0.312, 0.028, 0.0194},
          {task, "sink", "cv", "", 0.014, 0.381, 0.032, 0.0194},
          {task, "gated_headwise", "none", "", 0.53, 0.215, 0.108, 0.0191},
          {task, "gated_headwise", "cv", "", 0.005, 0.361, 0.109, 0.0186},
          {task, "gated_headwise", "open", "", 0.028, 0.9, 0.1, 0.0195},
          {task, "vanilla", "none", "no_bos", 0.017, 0.97, 0.03, 0.0110}};
}

inline std::vector<std::filesystem::path> write_demonstration(const std::filesystem::path& root) {
  std::vector<std::filesystem::path> directories;
  for (const ArmSpec& arm : demonstration_arms())
    for (int seed = 0; seed < 3; ++seed) {
      directories.push_back(
          root / (arm.mechanism + "-" + arm.form + "-" + arm.label + "-" + std::to_string(seed)));
      write_run(directories.back(), {arm, seed});
    }
  return directories;
}

}  // namespace sinkwise::compare
