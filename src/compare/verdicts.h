#pragma once

#include "sinkwise/compare/comparison.h"
#include "sinkwise/compare/statistics.h"

namespace sinkwise::compare {

Question balance_lowers_cv(const Comparison& comparison);
Question balance_and_loss(const Comparison& comparison);
Question first_token_sink(const Comparison& comparison);
Question low_cv_by_opening(const Comparison& comparison);
Question gates_and_ablation(const Comparison& comparison);
Question heads_that_matter(const Comparison& comparison);

// How a claim that a figure goes the way `claimed` (lower or higher) stands, by the way that it
// went.
report::Status status_of(Effect effect, Effect claimed);

// The one answer where no balanced run has a twin to be compared with.
report::Verdict no_pairs();

}  // namespace sinkwise::compare
