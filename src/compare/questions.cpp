#include "group.h"
#include "verdicts.h"

namespace sinkwise::compare {

report::Status status_of(Effect effect, Effect claimed) {
  if (effect == Effect::unclear) return report::Status::undecided;
  if (effect == Effect::none) return report::Status::null;
  return effect == claimed ? report::Status::holds : report::Status::does_not_hold;
}

report::Verdict no_pairs() {
  return {.subject = "these runs",
          .status = report::Status::undecided,
          .evidence =
              "no balanced run has an unbalanced twin of the same task, mechanism, label and seed"};
}

std::vector<Question> questions_of(const Comparison& comparison) {
  std::vector<Question> questions;
  for (Question& question :
       std::vector{balance_lowers_cv(comparison), balance_and_loss(comparison),
                   first_token_sink(comparison), low_cv_by_opening(comparison),
                   gates_and_ablation(comparison), heads_that_matter(comparison)})
    if (!question.verdicts.items.empty()) questions.push_back(std::move(question));
  return questions;
}

}  // namespace sinkwise::compare
