#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sinkwise/finetune/config.h"

namespace sinkwise::finetune {

// What the gates of a model were before its first step, and what follows from it.
struct Calibration {
  std::vector<std::vector<double>> importance;  // [L][H] over the calibration rows
  std::vector<std::vector<bool>> routed;        // [L][H]: what the balance statistic covers
  std::vector<std::int64_t> layers;             // the number in the model of each layer
  std::vector<std::int64_t> left_out;           // layers with nothing to balance
  // [L][H] over the held-out rows before the first step: later evaluations are compared with it.
  std::vector<std::vector<double>> held_out;
  double loss_gradient = 0.0;     // norm of d cross entropy
  double balance_gradient = 0.0;  // norm of lambda d balance

  // lambda |grad balance| / |grad cross entropy|; NaN where the loss has no gradient.
  double ratio() const { return balance_gradient / loss_gradient; }
};

// Beyond this, and the limits of core/head_limits.h, a person is told.
inline constexpr double kLargeRatio = 2.0;  // the balance term outweighs the loss

// Chooses the routed heads by importance [L, H]: all but the m most important of a layer, and none
// of a layer whose mean gate and CV say that there is nothing to balance. Every layer is kept in a
// model that was converted, now or earlier, and where the choice is made anew in every step.
Calibration calibrate(const at::Tensor& importance, const std::vector<std::int64_t>& layers,
                      const FinetuneConfig& config, bool converted);

// What a person should know before the first step: layers left out, closed heads, the ratio of the
// gradients. One line each.
std::vector<std::string> messages(const Calibration& calibration, const FinetuneConfig& config);

nlohmann::json to_json(const Calibration& calibration);
Calibration calibration_of(const nlohmann::json& json, const std::string& where);  // BadFile

// Gates as they are now against the start. `shared_heads` is m of the overlap; 0: a quarter.
struct Watch {
  double routed_mean = 0.0, shared_mean = 0.0;  // over the layers that are balanced
  double minimum = 0.0;
  double share_open = 0.0;  // of all gates, above kOpenGate
  double overlap = 0.0;     // of each layer's m most important heads with the start
  double routed_rise = 0.0;

  // Drift to open gates, and pinning, of what training did: gates that began open are not warned
  // of. Empty when there is nothing to warn of.
  std::vector<std::string> warnings(bool balanced) const;
};
Watch watch(const std::vector<std::vector<double>>& importance,
            const std::vector<std::vector<double>>& start,
            const std::vector<std::vector<bool>>& routed, std::int64_t shared_heads);
nlohmann::json to_json(const Watch& watch);

}  // namespace sinkwise::finetune
