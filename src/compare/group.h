#pragma once

#include <set>
#include <string>
#include <vector>

#include "sinkwise/compare/comparison.h"

namespace sinkwise::compare {

// In the order of tables: by task, label, mechanism (vanilla, sink, the others), balance (none
// first, the open control last).
std::vector<Arm> arms_of(std::vector<Run> runs);

std::vector<Pair> pairs_of(const std::vector<Arm>& arms);

// Metrics of which runs answered different items: no arm has them, since they cannot be compared.
std::set<MetricKey> metrics_of_other_items(const std::vector<const Run*>& runs);

// Runs of one arm or pair that differ in more than the seed or the balance, differing machines or
// versions, skipped steps, losses that are not finite, arms with fewer than three seeds.
std::vector<std::string> cautions_of(const Comparison& comparison);

// What the runs have in common, or the list of the values where they differ.
std::vector<std::pair<std::string, std::string>> provenance_of(const std::vector<Arm>& arms);

// The answers that the page opens with, in its order.
std::vector<Question> questions_of(const Comparison& comparison);

}  // namespace sinkwise::compare
