#include "phrases.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/format.h"
#include "verdicts.h"

namespace sinkwise::compare {
namespace {

using report::Status;
using report::Verdict;

constexpr double kStrong = 0.5;

Status rank_status(const Figure& correlation) {
  if (measured(correlation) == 0) return Status::undecided;
  if (correlation.mean >= kStrong) return Status::holds;
  return correlation.mean <= -kStrong ? Status::does_not_hold : Status::null;
}

Verdict judge_ranks(const Comparison& comparison, const Arm& arm) {
  const Figure& correlation = arm.importance_predicts_ablation;
  return {
      .subject = placed_arm(comparison, arm),
      .status = rank_status(correlation),
      .evidence =
          measured(correlation) == 0
              ? std::string("heads were not silenced one by one, or are too few to rank")
              : "rank correlation " + report::plus_minus(correlation.mean, correlation.spread, 2)};
}

Verdict judge_count(const Comparison& comparison, const Pair& pair) {
  const Arm& base = comparison.arms[pair.base];
  const Arm& balanced = comparison.arms[pair.balanced];
  const Figure& change = pair.change.at("effective_heads_ablation");
  return {
      .subject = placed_arm(comparison, balanced),
      .status = status_of(effect_of(change), Effect::higher),
      .evidence = concat("effective heads by ablation ",
                         change_text(base, balanced, "effective_heads_ablation"),
                         ", paired change ", difference_text(change, "effective_heads_ablation"),
                         "; by gate ", change_text(base, balanced, "effective_heads"))};
}

}  // namespace

Question gates_and_ablation(const Comparison& comparison) {
  Question question{"gates_and_ablation",
                    {"Do the gates say which heads matter?",
                     "A head whose gate stands wider open costs more to silence.",
                     "Spearman's rank correlation, within a layer, between a head's importance and "
                     "the rise of the loss when it is silenced, averaged over seeds: holds from "
                     "0.5 up, does not hold from \u22120.5 down, none found in between.",
                     {}}};
  for (const Arm& arm : comparison.arms)
    question.verdicts.items.push_back(judge_ranks(comparison, arm));
  return question;
}

Question heads_that_matter(const Comparison& comparison) {
  Question question{"heads_that_matter",
                    {"Are more heads of use after balancing, or are only more gates open?",
                     "Balancing raises the number of heads whose removal costs something.",
                     "the number of effective heads by ablation, judged as the loss is; the number "
                     "by gate stands beside it and decides nothing.",
                     {}}};
  for (const Pair& pair : comparison.pairs)
    if (!comparison.arms[pair.balanced].balance.is_control())
      question.verdicts.items.push_back(judge_count(comparison, pair));
  if (question.verdicts.items.empty()) question.verdicts.items.push_back(no_pairs());
  return question;
}

}  // namespace sinkwise::compare
