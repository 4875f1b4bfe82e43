#include "sinkwise/ops/attention_reference.h"

#include <cmath>
#include <gtest/gtest.h>

#include <torch/torch.h>

#include "sinkwise/selfcheck/attention_cases.h"
#include "sinkwise/selfcheck/attention_check.h"

namespace sinkwise::ops {
namespace {

using selfcheck::AttentionCase;
using selfcheck::largest_error;

// The definition, written as loops over plain doubles: an oracle that shares no code with the
// operator.
struct LoopAnswer {
  at::Tensor out, lse, gate;
};

bool sees(const AttentionCase& c, const at::Tensor& start, std::int64_t b, std::int64_t i,
          std::int64_t j) {
  const std::int64_t p = i + c.S - c.T;
  if (c.causal && j > p) return false;
  if (c.window && j <= p - *c.window) return false;
  if (c.window && !c.causal && j >= p + *c.window) return false;
  if (!start.defined()) return true;
  const auto first = start[b][i].item<std::int64_t>();
  return c.causal ? j >= first : start[b][j].item<std::int64_t>() == first;
}

LoopAnswer loops(const AttentionCase& c, const selfcheck::AttentionInputs& in) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double scale = 1.0 / std::sqrt(static_cast<double>(c.D));
  LoopAnswer answer{at::zeros({c.B, c.H, c.T, c.D}, at::kDouble),
                    at::zeros({c.B, c.H, c.T}, at::kDouble),
                    at::zeros({c.B, c.H, c.T}, at::kDouble)};
  for (std::int64_t b = 0; b < c.B; ++b) {
    for (std::int64_t h = 0; h < c.H; ++h) {
      for (std::int64_t i = 0; i < c.T; ++i) {
        const auto k = h / (c.H / c.K);
        double sum = in.sink.defined() ? std::exp(in.sink[h].item<double>()) : 0.0;
        const auto first =
            in.document_start.defined() ? in.document_start[b][i].item<std::int64_t>() : 0;
        double first_term = 0.0;
        at::Tensor weighted = at::zeros({c.D}, at::kDouble);
        for (std::int64_t j = 0; j < c.S; ++j) {
          if (!sees(c, in.document_start, b, i, j)) continue;
          const double term =
              std::exp(scale * in.query[b][h][i].dot(in.key[b][k][j]).item<double>());
          sum += term;
          if (j == first) first_term = term;
          weighted += term * in.value[b][k][j];
        }
        answer.lse[b][h][i] = sum == 0.0 ? -infinity : std::log(sum);
        if (sum != 0.0) answer.out[b][h][i] = weighted / sum;
        const double gate_term =
            c.gate == Gate::sink ? std::exp(in.sink[h].item<double>()) : first_term;
        answer.gate[b][h][i] = sum == 0.0 ? 1.0 : 1.0 - gate_term / sum;
      }
    }
  }
  return answer;
}

TEST(AttentionReference, EqualsTheDefinitionWrittenAsLoops) {
  for (const AttentionCase& c : selfcheck::attention_cases()) {
    if (c.T > 20 || (c.sink && std::abs(*c.sink) > 50))
      continue;  // exp would overflow in the loops
    SCOPED_TRACE(c.label);
    const auto in = selfcheck::make_inputs(c, at::kDouble);
    const auto result = attention(in.query, in.key, in.value, in.sink, in.document_start,
                                  selfcheck::make_options(c, PathSet::only(Path::reference)));
    const LoopAnswer expected = loops(c, in);
    EXPECT_LT(largest_error(result.out, expected.out), 1e-13);
    EXPECT_LT(largest_error(result.lse, expected.lse), 1e-13);
    if (result.gate.defined()) {
      EXPECT_LT(largest_error(result.gate, expected.gate), 1e-13);
    }
  }
}

TEST(AttentionReference, GivesNumbersWorkedOutByHand) {
  // Two keys with scores 0 and ln 3: weights 1/4 and 3/4.
  const at::Tensor query = at::tensor({1.0}, at::kDouble).view({1, 1, 1, 1});
  const at::Tensor key = at::tensor({0.0, std::log(3.0)}, at::kDouble).view({1, 1, 2, 1});
  const at::Tensor value = at::tensor({8.0, 4.0}, at::kDouble).view({1, 1, 2, 1});
  AttentionOptions options;
  options.gate = Gate::first_key;
  options.paths = PathSet::only(Path::reference);
  auto result = attention(query, key, value, {}, {}, options);
  EXPECT_NEAR(result.out.item<double>(), 5.0, 1e-15);
  EXPECT_NEAR(result.lse.item<double>(), std::log(4.0), 1e-15);
  EXPECT_NEAR(result.gate.item<double>(), 0.75, 1e-15);
  // A sink of logit ln 4 takes half of the weight and has no value.
  options.gate = Gate::sink;
  result = attention(query, key, value, at::tensor({std::log(4.0)}, at::kDouble), {}, options);
  EXPECT_NEAR(result.out.item<double>(), 2.5, 1e-15);
  EXPECT_NEAR(result.lse.item<double>(), std::log(8.0), 1e-15);
  EXPECT_NEAR(result.gate.item<double>(), 0.5, 1e-15);
}

TEST(AttentionReference, ControlsFollowTheirFormulas) {
  const at::Tensor query = at::tensor({2.0}, at::kDouble).view({1, 1, 1, 1});
  const at::Tensor key = at::tensor({1.0, -1.0}, at::kDouble).view({1, 1, 2, 1});
  const at::Tensor value = at::tensor({10.0, 20.0}, at::kDouble).view({1, 1, 2, 1});
  const Geometry geometry{1, 2, true, {}, {}};
  ReferenceOptions options;
  options.gate = Gate::first_key;
  options.score_function = ScoreFunction::relu;
  auto result = reference_attention(query, key, value, {}, geometry, options);
  EXPECT_NEAR(result.out.item<double>(), 10.0, 1e-15);  // max(0, 2) / 2 * 10
  EXPECT_NEAR(result.gate.item<double>(), 0.0, 1e-15);  // all of the weight is on the first key
  options.score_function = ScoreFunction::sigmoid;
  result = reference_attention(query, key, value, {}, geometry, options);
  const double first = 1 / (1 + 2 * std::exp(-2.0)), second = 1 / (1 + 2 * std::exp(2.0));
  EXPECT_NEAR(result.out.item<double>(), 10 * first + 20 * second, 1e-14);
  EXPECT_NEAR(result.gate.item<double>(), second / (first + second), 1e-14);
}

TEST(AttentionReference, ReluRowWithoutWeightIsAClosedGate) {
  const at::Tensor query = at::tensor({-1.0}, at::kDouble).view({1, 1, 1, 1});
  const at::Tensor key = at::ones({1, 1, 2, 1}, at::kDouble);
  ReferenceOptions options;
  options.gate = Gate::first_key;
  options.score_function = ScoreFunction::relu;
  const auto result = reference_attention(query, key, key, {}, {1, 2, true, {}, {}}, options);
  EXPECT_EQ(result.out.item<double>(), 0.0);
  EXPECT_EQ(result.gate.item<double>(), 0.0);
}

TEST(AttentionReference, FirstKeyBiasActsOnTheFirstKeyAlone) {
  const at::Tensor query = at::zeros({1, 2, 3, 1}, at::kDouble),
                   key = at::zeros({1, 2, 3, 1}, at::kDouble);
  ReferenceOptions options;
  options.gate = Gate::first_key;
  options.first_key_bias = at::tensor({0.0, std::log(2.0)}, at::kDouble);
  const auto result = reference_attention(query, key, key, {}, {3, 3, true, {}, {}}, options);
  EXPECT_NEAR(result.weights[0][0][2][0].item<double>(), 1.0 / 3, 1e-15);
  EXPECT_NEAR(result.weights[0][1][2][0].item<double>(), 2.0 / 4, 1e-15);
  EXPECT_NEAR(result.weights[0][1][2][1].item<double>(), 1.0 / 4, 1e-15);
}

TEST(AttentionReference, GradientsEqualFiniteDifferences) {
  const auto row = selfcheck::check_reference_against_differences();
  EXPECT_EQ(row.failures, 0) << row.worst_error << " at " << row.worst_case;
  EXPECT_GT(row.comparisons, 300);
}

}  // namespace
}  // namespace sinkwise::ops
