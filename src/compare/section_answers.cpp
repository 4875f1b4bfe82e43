#include <set>

#include "phrases.h"
#include "sections.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

using report::Emphasis;
using report::Paragraph;

std::size_t run_count(const Comparison& comparison) {
  std::size_t runs = 0;
  for (const Arm& arm : comparison.arms) runs += arm.runs.size();
  return runs;
}

std::string distinct(const Comparison& comparison, std::string (*name)(const Arm&)) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const Arm& arm : comparison.arms)
    if (seen.insert(name(arm)).second) names.push_back(name(arm));
  return join(names, "; ");
}

Paragraph what_was_run(const Comparison& comparison) {
  return concat(
      counted(run_count(comparison), "run"), " in ", counted(comparison.arms.size(), "arm"), " on ",
      join(tasks_of(comparison)), ". Attention: ", distinct(comparison, variant_name),
      ". Balance: ", distinct(comparison, [](const Arm& arm) { return balance_name(arm.balance); }),
      ". Runs of one arm differ by nothing but the seed; a balanced arm is compared with its "
      "unbalanced twin seed by seed.");
}

Paragraph terms() {
  return {{{"A head's "},
           {"importance", Emphasis::strong},
           {" is its mean gate: the share of its attention that does not go to the sink. The "},
           {"CV", Emphasis::strong},
           {" is the spread of importance over the heads of a layer divided by its mean: 0 when "
            "all heads are used alike. A CV says nothing alone: it also falls when every gate "
            "opens, so the mean gate, the first-token weight and the cost of silencing heads "
            "always stand beside it. "},
           {"\u00b1", Emphasis::strong},
           {" is the standard deviation over seeds, a spread and not a confidence interval."}}};
}

std::size_t count_of(const Comparison& comparison, report::Status status) {
  std::size_t count = 0;
  for (const Question& question : comparison.questions)
    for (const report::Verdict& verdict : question.verdicts.items)
      count += verdict.status == status ? 1 : 0;
  return count;
}

std::string tally(const Comparison& comparison) {
  const std::size_t holds = count_of(comparison, report::Status::holds);
  const std::size_t fails = count_of(comparison, report::Status::does_not_hold);
  const std::size_t null = count_of(comparison, report::Status::null);
  const std::size_t open = count_of(comparison, report::Status::undecided);
  return concat("Of ", counted(holds + fails + null + open, "test"), ", ", holds,
                holds == 1 ? " holds, " : " hold, ", fails,
                fails == 1 ? " does not, " : " do not, ", null, " found no effect and ", open,
                open == 1 ? " is undecided." : " are undecided.");
}

}  // namespace

report::Section answers_section(const Comparison& comparison) {
  report::Section section{"answers", "What the runs say", {}};
  section.blocks.push_back(what_was_run(comparison));
  section.blocks.push_back(terms());
  section.blocks.push_back(
      Paragraph({{tally(comparison), Emphasis::strong},
                 {" Each status follows from the figures by the rule below its question."}}));
  if (!comparison.cautions.empty()) {
    section.blocks.push_back(report::Heading{"Read with care"});
    report::Bullets bullets;
    for (const std::string& caution : comparison.cautions) bullets.items.emplace_back(caution);
    section.blocks.push_back(bullets);
  }
  for (const Question& question : comparison.questions) section.blocks.push_back(question.verdicts);
  return section;
}

}  // namespace sinkwise::compare
