#include <fmt/format.h>

#include "sinkwise/compare/comparison.h"

namespace sinkwise::compare {

std::string mechanism_name(const std::string& mechanism) {
  if (mechanism == "gated_headwise") return "gated (headwise)";
  if (mechanism == "gated_elementwise") return "gated (elementwise)";
  return mechanism;
}

const std::map<std::string, std::string>& balance_form_names() {
  static const std::map<std::string, std::string> names = {{"none", "no balance"},
                                                           {"cv", "CV balance"},
                                                           {"switch", "switch balance"},
                                                           {"loss_free", "loss-free balance"},
                                                           {"open", "open control"}};
  return names;
}

std::string balance_name(const Balance& balance) {
  std::string name = balance_form_names().at(balance.form);
  if (balance.is_base()) return name;
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
