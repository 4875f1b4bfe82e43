#pragma once

#include <string>
#include <vector>

#include <torch/torch.h>

#include "sinkwise/ops/attention.h"

namespace sinkwise::selfcheck {

// One shape and option set of the attention operator; the tests of every path run over the same
// list.
struct AttentionCase {
  std::string label;
  std::int64_t B = 2, H = 4, K = 2, T = 7, S = 7, D = 8;
  bool causal = true;
  std::optional<std::int64_t> window;
  ops::Gate gate = ops::Gate::none;
  std::optional<double> sink;           // value of every head's logit, spread by +-0.5 over heads
  std::vector<std::int64_t> documents;  // lengths of the packed documents, summing to T
  std::uint64_t draw = 0;               // which random numbers
  double outlier = 0.0;                 // multiplies one key channel, as trained models do
};

// The operands of a case, in one dtype; the same numbers in every dtype (rounded once).
struct AttentionInputs {
  at::Tensor query, key, value, sink, document_start;

  AttentionInputs to(at::ScalarType type) const;
  void require_grad();
};

AttentionInputs make_inputs(const AttentionCase& test_case, at::ScalarType type);
ops::AttentionOptions make_options(const AttentionCase& test_case, ops::PathSet paths);

// Odd lengths, T != S, grouped heads, windows, packed documents with documents of length 1, extreme
// sinks: where implementations of attention are known to go wrong.
std::vector<AttentionCase> attention_cases();

// out, lse, gate and the gradients of query, key, value, sink for fixed random upstream gradients
// of the three outputs; `use` says which outputs take part in the loss.
struct Uses {
  bool out = true, lse = true, gate = true;
};
struct Answer {
  std::vector<at::Tensor> values;  // out, lse, gate (those defined), then gradients
  std::vector<std::string> names;
};
Answer forward_and_backward(const AttentionCase& test_case, at::ScalarType type, ops::Path path,
                            Uses uses);

// Largest absolute difference after widening to float64; infinities must agree in place and sign.
double largest_error(const at::Tensor& actual, const at::Tensor& expected);

}  // namespace sinkwise::selfcheck
