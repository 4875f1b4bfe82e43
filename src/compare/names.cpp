#include <fmt/format.h>

#include "sinkwise/compare/comparison.h"

namespace sinkwise::compare {

std::string mechanism_name(const std::string& mechanism) {
  if (mechanism == "gated_headwise") return "gated (headwise)";
  if (mechanism == "gated_elementwise") return "gated (elementwise)";
  return mechanism;
}

std::string balance_name(const Balance& balance) {
  if (balance.is_base()) return "no balance";
  std::string name = balance.form;
  if (balance.form == "cv") name = "CV balance";
  if (balance.form == "switch") name = "switch balance";
  if (balance.form == "loss_free") name = "loss-free balance";
  if (balance.is_control()) name = "open control";
  if (balance.lambda != 0.0) name += fmt::format(" \u03bb = {:g}", balance.lambda);
  if (balance.shared_heads != 0) name += fmt::format(", {} shared", balance.shared_heads);
  return name;
}

std::string variant_name(const Arm& arm) {
  return mechanism_name(arm.mechanism) + (arm.label.empty() ? "" : " \u00b7 " + arm.label);
}

std::string arm_name(const Arm& arm) {
  return variant_name(arm) + ", " + balance_name(arm.balance);
}

}  // namespace sinkwise::compare
