#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

// Folders of `sinkwise inspect` with made-up contents, as that command writes them.
namespace sinkwise::compare {

using Gates = std::vector<std::vector<double>>;  // [L][H] importance

// CV, mean and so on are those of the gates; first-token weight is 0.99 (1 - gate), value drain
// 0.2, HONOR 1 + gate.
inline nlohmann::json inspection_json(const Gates& gates) {
  using nlohmann::json;
  json layers = json::array();
  for (const std::vector<double>& row : gates) {
    const auto H = static_cast<double>(row.size());
    double sum = 0.0, squares = 0.0, least = 1.0, most = 0.0;
    json first = json::array(), honor = json::array(), drain = json::array();
    for (const double gate : row) {
      sum += gate, squares += gate * gate;
      least = std::min(least, gate), most = std::max(most, gate);
      first.push_back(0.99 * (1.0 - gate)), honor.push_back(1.0 + gate), drain.push_back(0.2);
    }
    const double mean = sum / H, cv = std::sqrt(std::max(0.0, squares / H - mean * mean)) / mean;
    layers.push_back({{"kind", "full attention"},
                      {"cv", cv},
                      {"mean_gate", mean},
                      {"min_gate", least},
                      {"max_gate", most},
                      {"effective_heads", H / (1.0 + cv * cv)},
                      {"heads",
                       {{"importance", row},
                        {"first_token_weight", first},
                        {"value_drain", drain},
                        {"honor", honor}}}});
  }
  const auto curve = [](const char* order, double scale, bool random) {
    return json{{"order", order},
                {"silenced", {1, 2, 3}},
                {"loss", {2.0 + 0.1 * scale, 2.0 + 0.2 * scale, 2.0 + 0.4 * scale}},
                {"spread", random ? json{0.01, 0.02, 0.03} : json::array()}};
  };
  return {{"schema", "sinkwise.inspection/1"},
          {"model",
           {{"path", "model"},
            {"family", "llama"},
            {"model_type", "llama"},
            {"gate", "first token"},
            {"layers", gates.size()},
            {"heads", gates.front().size()},
            {"vocabulary", 100}}},
          {"text", {{"files", {"book.txt"}}, {"windows", 4}, {"length", 16}, {"begin", nullptr}}},
          {"loss", 2.0},
          {"bits_per_byte", 1.0},
          {"importance_honor_spearman", 1.0},
          {"layers", layers},
          {"interventions",
           {{"windows", 2},
            {"loss", 2.0},
            {"loss_without_first_value", 2.5},
            {"pruning", {curve("importance", 1.0, false), curve("random", 2.0, true)}}}}};
}

inline nlohmann::json metric_json(const std::string& name, double value, double error,
                                  bool higher = true) {
  return {
      {"name", name}, {"value", value}, {"standard_error", error}, {"higher_is_better", higher}};
}

inline nlohmann::json evaluation_json(const nlohmann::json& metrics) {
  return {{"schema", "sinkwise.evaluation/1"},
          {"model", "model"},
          {"tasks",
           {{{"name", "lambada"}, {"kind", "last word"}, {"count", 500}, {"metrics", metrics}}}}};
}

inline std::filesystem::path write_json(const std::filesystem::path& path,
                                        const nlohmann::json& json) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << json.dump();
  return path.parent_path();
}

}  // namespace sinkwise::compare
