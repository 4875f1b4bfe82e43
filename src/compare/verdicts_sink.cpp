#include <algorithm>

#include "phrases.h"
#include "sinkwise/core/text.h"
#include "verdicts.h"

namespace sinkwise::compare {
namespace {

using report::Status;
using report::Verdict;

bool lacks_first_token(const std::string& label) {
  return label == "no_bos" || label == "no_first_token";
}

const Arm* control_of(const Comparison& comparison, const Arm& arm) {
  const auto at =
      std::find_if(comparison.arms.begin(), comparison.arms.end(), [&](const Arm& other) {
        return other.task == arm.task && other.mechanism == arm.mechanism &&
               other.balance == arm.balance && lacks_first_token(other.label);
      });
  return at == comparison.arms.end() ? nullptr : &*at;
}

// The control sees other sequences, so seeds are not paired: the lowest seed of the arm must lie
// above the highest of the control.
bool separated(const Figure& arm, const Figure& control) {
  return extent(arm.per_seed).first > extent(control.per_seed).second;
}

Status status_of(const Arm& arm, const Arm* control) {
  const Figure& share = arm.figures.at("sink_share");
  if (measured(share) == 0) return Status::undecided;
  const auto with_sink = std::count_if(share.per_seed.begin(), share.per_seed.end(),
                                       [](double value) { return value > 0.0; });
  if (with_sink == 0) return Status::null;
  if (with_sink < measured(share)) return Status::undecided;
  if (control == nullptr) return Status::holds;
  return separated(arm.figures.at("first_token_weight"), control->figures.at("first_token_weight"))
             ? Status::holds
             : Status::null;
}

std::string sink_text(const Arm& arm) {
  return concat("share of sink heads ", value_text(arm, "sink_share"), ", first-token weight ",
                value_text(arm, "first_token_weight"));
}

Verdict judge(const Comparison& comparison, const Arm& arm) {
  const Arm* control = control_of(comparison, arm);
  return {.subject = placed_variant(comparison, arm),
          .status = status_of(arm, control),
          .evidence = sink_text(arm) + (control != nullptr
                                            ? "; control without a first token (" + control->label +
                                                  "): " + sink_text(*control)
                                            : "; no control without a first token was run")};
}

}  // namespace

Question first_token_sink(const Comparison& comparison) {
  Question question{
      "first_token_sink",
      {"Does a sink grow on the first token of plain attention?",
       "Without balance, heads put more than 0.3 of their attention on the first token.",
       "holds where every seed has a head with a first-token weight above 0.3 and, with a control "
       "at hand, every seed has more first-token weight than any seed of the control; none found "
       "where no seed has such a head; undecided in between.",
       {}}};
  for (const Arm& arm : comparison.arms)
    if (arm.mechanism == "vanilla" && arm.balance.is_base() && !lacks_first_token(arm.label))
      question.verdicts.items.push_back(judge(comparison, arm));
  return question;
}

}  // namespace sinkwise::compare
