#include "group.h"
#include "sinkwise/core/error.h"

namespace sinkwise::compare {

Comparison compare(std::vector<Run> runs, std::vector<Overhead> overhead) {
  if (runs.empty())
    throw BadArgument({.what = "There is nothing to compare.",
                       .expected = "at least one finished run",
                       .found = "none",
                       .next = "name the directories of finished runs"});
  Comparison comparison;
  comparison.arms = arms_of(std::move(runs));
  comparison.pairs = pairs_of(comparison.arms);
  comparison.overhead = std::move(overhead);
  comparison.provenance = provenance_of(comparison.arms);
  comparison.questions = questions_of(comparison);
  comparison.cautions = cautions_of(comparison);
  return comparison;
}

}  // namespace sinkwise::compare
