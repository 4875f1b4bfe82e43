#include "phrases.h"
#include "sections.h"
#include "sinkwise/compare/output.h"
#include "sinkwise/core/text.h"

namespace sinkwise::compare {
namespace {

std::string subtitle(const Comparison& comparison) {
  std::size_t runs = 0;
  for (const Arm& arm : comparison.arms) runs += arm.runs.size();
  return concat(counted(runs, "finished run"),
                " compared: which heads are used, which are needed, what balancing them changes, "
                "and what it does not.");
}

}  // namespace

report::Document to_document(const Comparison& comparison, const std::string& command) {
  report::Document document{.title = "Attention heads on " + join(tasks_of(comparison)),
                            .subtitle = subtitle(comparison),
                            .provenance = comparison.provenance,
                            .sections = {}};
  const auto add = [&](MaybeSection section) {
    if (section) document.sections.push_back(std::move(*section));
  };
  add(answers_section(comparison));
  add(arms_section(comparison));
  add(pairs_section(comparison));
  add(curves_section(comparison));
  add(heads_section(comparison));
  add(gates_section(comparison));
  add(sinks_section(comparison));
  add(groups_section(comparison));
  add(evaluation_section(comparison));
  add(overhead_section(comparison));
  add(limits_section(comparison));
  add(repeat_section(comparison, command));
  return document;
}

}  // namespace sinkwise::compare
