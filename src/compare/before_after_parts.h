#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sinkwise/compare/before_after.h"
#include "sinkwise/report/document.h"

// What the comparison of two inspections is put together from, one file each.
namespace sinkwise::compare {

// before_after_cautions.cpp
std::vector<std::string> cautions_of(const Inspection& before, const Inspection& after);

// before_after_figures.cpp; reads the layers and heads of `change`.
std::vector<ChangedFigure> changed_figures(const BeforeAfter& change);

// before_after_warnings.cpp; reads layers and figures.
std::vector<BeforeAfterWarning> warnings_of(const BeforeAfter& change);

// before_after_evaluation.cpp; fills in metrics and unmatched_metrics.
void change_metrics(BeforeAfter& change);
std::string outcome_word(Outcome outcome);

// before_after_summary.cpp
std::string arrow(const Change& value, int decimals);              // "0.186 → 0.120 (-0.066)"
std::string layers_text(const std::vector<std::int64_t>& layers);  // "layers 0, 3, 7"

// Heads whose gate is below kClosedGate before, after or both, in the order of the model.
std::vector<ChangedHead> closed_heads(const BeforeAfter& change);

// Two curves of one order that silence the same numbers of heads.
struct PruningPair {
  const InspectedPruning *before, *after;
};
std::vector<PruningPair> pruning_pairs(const BeforeAfter& change);

// before_after_charts.cpp and before_after_tables.cpp: sections of the page; none where nothing was
// measured.
report::Section maps_section(const BeforeAfter& change);
report::Section layers_section(const BeforeAfter& change);
report::Section heads_section(const BeforeAfter& change);
report::Section closed_section(const BeforeAfter& change);
report::Section top_section(const BeforeAfter& change);
std::optional<report::Section> pruning_section(const BeforeAfter& change);
std::optional<report::Section> evaluation_section(const BeforeAfter& change);
report::Section figures_section(const BeforeAfter& change);

}  // namespace sinkwise::compare
