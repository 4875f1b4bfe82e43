#pragma once

#include <string>
#include <vector>

#include "sinkwise/selfcheck/attention_cases.h"

namespace sinkwise::selfcheck {

// The rounding that no implementation on the stock kernels can avoid, derived and not chosen:
//  - they evaluate exp to 20 units in the last place, relative to each result;
//  - dS_ij subtracts two numbers of the size |dO| |v| that may cancel: one rounding of their size;
//  - the result itself is rounded once to its dtype.
double unavoidable_error(const AttentionCase& test_case, const at::Tensor& expected,
                         at::ScalarType type);

// One draw of a case may have as few as one number a head, where the naive program can be right by
// luck: its error is the largest over so many draws.
inline constexpr std::uint64_t kDraws = 4;

// Worst case of one quantity (out, lse, gate, dq, dk, dv, dsink) over all attention_cases() and
// over gradients through out, lse, gate and all three.
struct CheckRow {
  std::string quantity;
  at::ScalarType type = at::kFloat;
  double worst_error = 0.0;  // against the float64 reference
  double naive_error = 0.0;  // of the reference in the same dtype, largest over kDraws
  double allowed = 0.0;      // 2 * naive_error + unavoidable_error; float64: 1e-12 of the size
  std::string worst_case;    // where error / allowed was largest
  std::int64_t comparisons = 0, failures = 0;
};

// Compares `path` in `type` with the reference in float64.
std::vector<CheckRow> check_attention(ops::Path path, at::ScalarType type);

// Compares autograd of the float64 reference with central differences, on the cases that are small
// enough: the reference is itself held against something that shares no code with it.
CheckRow check_reference_against_differences();

}  // namespace sinkwise::selfcheck
