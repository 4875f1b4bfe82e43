#include <algorithm>
#include <cmath>

#include "phrases.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/format.h"
#include "verdicts.h"

namespace sinkwise::compare {
namespace {

using report::Status;
using report::Verdict;

// The paper describes an even use of heads as a small CV without giving a bound; half of what the
// same seed has without balance is ours.
constexpr double kHalf = 0.5;

Status status_of(const Figure& ratio) {
  if (measured(ratio) == 0) return Status::undecided;
  const bool everywhere = std::none_of(ratio.per_seed.begin(), ratio.per_seed.end(),
                                       [](double value) { return value >= kHalf; });
  return everywhere ? Status::holds : Status::does_not_hold;
}

Verdict judge(const Comparison& comparison, const Pair& pair) {
  const Arm& base = comparison.arms[pair.base];
  const Arm& balanced = comparison.arms[pair.balanced];
  return {.subject = placed_arm(comparison, balanced),
          .status = status_of(pair.cv_ratio),
          .evidence = concat("CV ", change_text(base, balanced, "cv"), ", worst ratio ",
                             report::fixed(pair.worst_cv_ratio, 3), " (seed ", pair.worst_seed,
                             "); ", beside_cv(base, balanced))};
}

bool is_control(const Comparison& comparison, const Pair& pair) {
  return comparison.arms[pair.balanced].balance.is_control();
}

struct Tally {
  std::size_t pairs = 0, seeds = 0, halved = 0;
  double worst = -1.0;
  std::string worst_where;
};

void count_in(Tally& tally, const Comparison& comparison, const Pair& pair) {
  ++tally.pairs;
  for (const double ratio : pair.cv_ratio.per_seed) {
    tally.seeds += std::isfinite(ratio) ? 1 : 0;
    tally.halved += ratio < kHalf ? 1 : 0;
  }
  if (!(pair.worst_cv_ratio > tally.worst)) return;
  tally.worst = pair.worst_cv_ratio;
  tally.worst_where =
      concat(placed_arm(comparison, comparison.arms[pair.balanced]), ", seed ", pair.worst_seed);
}

Verdict overall(const Tally& tally) {
  return {.subject = "every pair of runs together",
          .status = tally.seeds == 0              ? Status::undecided
                    : tally.halved == tally.seeds ? Status::holds
                                                  : Status::does_not_hold,
          .evidence = tally.seeds == 0
                          ? std::string("no pair has a CV on both sides")
                          : concat("in ", tally.halved, " of ", counted(tally.seeds, "pair"),
                                   ", worst ratio ", report::fixed(tally.worst, 3), " (",
                                   tally.worst_where, ")")};
}

const Arm* partner(const Comparison& comparison, const Arm& base) {
  for (const Pair& pair : comparison.pairs)
    if (&comparison.arms[pair.base] == &base && !is_control(comparison, pair))
      return &comparison.arms[pair.balanced];
  return nullptr;
}

// "CV 0.530, 0.005, 0.028": without balance, with it, with open gates.
std::string side_by_side(const std::vector<const Arm*>& arms, const char* key) {
  std::vector<std::string> values;
  for (const Arm* arm : arms) values.push_back(value_text(*arm, key));
  return std::string(figure_info(key).title) + " " + join(values, " / ");
}

Verdict judge_control(const Comparison& comparison, const Pair& pair) {
  const Arm& base = comparison.arms[pair.base];
  const Arm& open = comparison.arms[pair.balanced];
  const Arm* balanced = partner(comparison, base);
  std::vector<const Arm*> arms = {&base, &open};
  if (balanced != nullptr) arms.insert(arms.begin() + 1, balanced);
  std::vector<std::string> parts;
  for (const char* key : {"cv", "mean_gate", "first_token_weight", "effective_heads_ablation"})
    parts.push_back(side_by_side(arms, key));
  return {.subject = placed_arm(comparison, open),
          .status = status_of(pair.cv_ratio),
          .evidence =
              join(parts, "; ") + (balanced != nullptr ? " (no balance / balanced / open control)"
                                                       : " (no balance / open control)")};
}

}  // namespace

Question balance_lowers_cv(const Comparison& comparison) {
  Question question{
      "balance_lowers_cv",
      {"Does balancing even out the heads?",
       "Balancing more than halves the CV of head importance, seed by seed.",
       "holds where the CV is below half of the CV without balance, seed by seed, in every pair.",
       {}}};
  Tally tally;
  for (const Pair& pair : comparison.pairs) {
    if (is_control(comparison, pair)) continue;
    count_in(tally, comparison, pair);
    question.verdicts.items.push_back(judge(comparison, pair));
  }
  auto& items = question.verdicts.items;
  if (tally.pairs > 1) items.insert(items.begin(), overall(tally));
  if (items.empty()) items.push_back(no_pairs());
  return question;
}

Question low_cv_by_opening(const Comparison& comparison) {
  Question question{"low_cv_alone_is_not_success",
                    {"Is a low CV alone a success?",
                     "It is not: gates that are merely pushed open more than halve the CV as well.",
                     "no, where a control that balances nothing and only pushes gates open reaches "
                     "a CV below half as well: the claim then holds.",
                     {}}};
  for (const Pair& pair : comparison.pairs)
    if (is_control(comparison, pair))
      question.verdicts.items.push_back(judge_control(comparison, pair));
  if (question.verdicts.items.empty())
    question.verdicts.items.push_back(
        {.subject = "these runs",
         .status = Status::undecided,
         .evidence = "no run with balance \"open\" has an unbalanced twin here; train one to see "
                     "how far the CV falls without any balancing"});
  return question;
}

}  // namespace sinkwise::compare
