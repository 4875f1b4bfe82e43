#include <algorithm>

#include "phrases.h"
#include "sinkwise/core/text.h"
#include "sinkwise/report/format.h"
#include "verdicts.h"

namespace sinkwise::compare {
namespace {

using report::Verdict;

// " (open control: -0.0448 ± 0.0110)": what opening gates without balancing them gains over the
// same base. Without it a gain would be read as a gain of evening out.
std::string beside_control(const Comparison& comparison, const Pair& pair) {
  for (const Pair& other : comparison.pairs) {
    const Arm& control = comparison.arms[other.balanced];
    if (other.base != pair.base || !control.balance.is_control()) continue;
    if (other.judged_by != pair.judged_by || measured(other.change.at(pair.judged_by)) == 0)
      continue;
    return concat(" (", balance_name(control.balance), ": ",
                  difference_text(other.change.at(pair.judged_by), pair.judged_by.c_str()), ")");
  }
  return "";
}

Verdict judge(const Comparison& comparison, const Pair& pair) {
  const char* key = pair.judged_by.c_str();
  const Figure& change = pair.change.at(key);
  const auto better = std::count_if(change.per_seed.begin(), change.per_seed.end(),
                                    [](double value) { return value < 0.0; });
  std::string evidence =
      concat(figure_info(key).title, " ", difference_text(change, key), ", lower in ", better,
             " of ", counted(measured(change), "seed"), beside_control(comparison, pair));
  if (measured(pair.row_error) > 0)
    evidence += concat("; standard error over the held-out rows of a seed ",
                       report::fixed(pair.row_error.mean, 4));
  const Figure& bits = pair.change.at("bits_per_byte");
  if (measured(bits) > 0) evidence += "; bits per byte " + difference_text(bits, "bits_per_byte");
  return {.subject = placed_arm(comparison, comparison.arms[pair.balanced]),
          .status = status_of(effect_of(change), Effect::lower),
          .evidence = evidence};
}

}  // namespace

Question balance_and_loss(const Comparison& comparison) {
  Question question{
      "balance_and_loss",
      {"Does balancing change what the model achieves?",
       "Balancing lowers the loss on held-out rows (balanced minus unbalanced, seed by seed).",
       "none found where the mean paired change is within its spread over seeds or within two "
       "standard errors of that mean over seeds, whichever is larger; a fall holds, a rise does "
       "not hold; fewer than three seeds are undecided. The change of a control, which only opens "
       "gates, stands beside the change of its balanced twin.",
       {}}};
  for (const Pair& pair : comparison.pairs)
    if (!comparison.arms[pair.balanced].balance.is_control())
      question.verdicts.items.push_back(judge(comparison, pair));
  if (question.verdicts.items.empty()) question.verdicts.items.push_back(no_pairs());
  return question;
}

}  // namespace sinkwise::compare
