#pragma once

#include <string>
#include <vector>

#include "sinkwise/compare/comparison.h"

// How numbers and arms are put into words, for verdicts, captions and tables alike.
namespace sinkwise::compare {

// "0.531 ± 0.231", a dash where nothing was measured.
std::string value_text(const Arm& arm, const char* key);

// "0.531 ± 0.231 → 0.005 ± 0.003"
std::string change_text(const Arm& base, const Arm& balanced, const char* key);

// The figures without which a CV must not be shown: "mean gate 0.215 → 0.361; first-token weight
// ...; effective heads by ablation ...".
std::string beside_cv(const Arm& base, const Arm& balanced);

// "+0.0001 ± 0.0002 nats"
std::string difference_text(const Figure& difference, const char* key);

// A table's cell of one number, that sorts by its value.
report::Cell number_cell(double value, int decimals);

// A table's cell of a mean over seeds, its standard deviation below it; of a difference, with sign.
report::Cell spread_cell(const Figure& figure, int decimals);
report::Cell difference_cell(const Figure& figure, int decimals);

// "seed 3", "seeds 0, 1, 2"
std::string seeds_text(const std::vector<std::int64_t>& seeds);

// "3 runs", "1 run"
std::string counted(std::size_t number, const std::string& noun);

// variant_name() or arm_name(), led by the task when there is more than one.
std::string placed_variant(const Comparison& comparison, const Arm& arm);
std::string placed_arm(const Comparison& comparison, const Arm& arm);

// Distinct tasks in the order of the arms.
std::vector<std::string> tasks_of(const Comparison& comparison);

}  // namespace sinkwise::compare
