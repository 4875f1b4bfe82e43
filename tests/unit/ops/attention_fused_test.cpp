#include <cmath>
#include <gtest/gtest.h>

#include <torch/torch.h>

#include "sinkwise/core/error.h"
#include "sinkwise/kernels/instruction_set.h"
#include "sinkwise/ops/attention.h"
#include "sinkwise/selfcheck/attention_cases.h"
#include "sinkwise/selfcheck/attention_check.h"

namespace sinkwise::ops {
namespace {

using selfcheck::AttentionCase;
using selfcheck::forward_and_backward;
using selfcheck::largest_error;

void expect_no_failures(const std::vector<selfcheck::CheckRow>& rows) {
  for (const selfcheck::CheckRow& row : rows) {
    EXPECT_EQ(row.failures, 0) << row.quantity << ": error " << row.worst_error << ", allowed "
                               << row.allowed << " at " << row.worst_case;
    EXPECT_GT(row.comparisons, 10) << row.quantity;
  }
}

// Values and all gradients, through each output alone and through all three together: float64
// equals the reference, float32 and bfloat16 stay within twice the error of the naive version.
class StockDtype : public ::testing::TestWithParam<at::ScalarType> {};

TEST_P(StockDtype, StaysWithinItsLimits) {
  expect_no_failures(selfcheck::check_attention(Path::stock, GetParam()));
}

INSTANTIATE_TEST_SUITE_P(AttentionFused, StockDtype,
                         ::testing::Values(at::kDouble, at::kFloat, at::kBFloat16));

class KernelDtype : public ::testing::TestWithParam<at::ScalarType> {};

TEST_P(KernelDtype, StaysWithinItsLimitsOnEveryInstructionSet) {
  for (const std::string& set : kernels::instruction_sets()) {
    SCOPED_TRACE(set);
    kernels::use_instruction_set(set);
    expect_no_failures(selfcheck::check_attention(Path::kernel, GetParam()));
  }
  kernels::use_instruction_set(kernels::instruction_sets().front());
}

INSTANTIATE_TEST_SUITE_P(AttentionFused, KernelDtype, ::testing::Values(at::kFloat, at::kBFloat16));

TEST(AttentionFused, GateEqualsOneMinusTheFullWeights) {
  for (const AttentionCase& c : selfcheck::attention_cases()) {
    if (c.gate == Gate::none) continue;
    SCOPED_TRACE(c.label);
    const auto exact = forward_and_backward(c, at::kDouble, Path::reference, {});
    const auto f64 = forward_and_backward(c, at::kDouble, Path::stock, {});
    EXPECT_LE(largest_error(f64.values[2], exact.values[2]), 1e-12);
    for (Path path : {Path::stock, Path::kernel}) {
      const auto f32 = forward_and_backward(c, at::kFloat, path, {});
      EXPECT_LE(largest_error(f32.values[2], exact.values[2]), 1e-6) << name(path);
    }
  }
}

// Tokens outside the loss have dO = 0 while the balance loss still sends dG: on the stock path the
// shift along dO has no direction there, and the extra channel must take over.
TEST(AttentionFused, RowsWithoutOutputGradientKeepTheirGateGradient) {
  const AttentionCase c{.label = "masked loss", .T = 33, .S = 33, .gate = Gate::first_key};
  auto gradients = [&c](Path path) {
    auto in = selfcheck::make_inputs(c, at::kDouble);
    in.require_grad();
    const auto r = attention(in.query, in.key, in.value, {}, {},
                             selfcheck::make_options(c, PathSet::only(path)));
    (r.out.narrow(2, 10, 5).sum() + r.gate.sum() + r.lse.sin().sum()).backward();
    return std::vector<at::Tensor>{in.query.grad(), in.key.grad(), in.value.grad()};
  };
  const auto expected = gradients(Path::reference), actual = gradients(Path::stock);
  for (std::size_t n = 0; n < expected.size(); ++n) {
    EXPECT_LE(largest_error(actual[n], expected[n]), 1e-12) << "input " << n;
    EXPECT_GT(expected[n].abs().max().item<double>(), 0.1) << "the case must not be trivial";
  }
}

TEST(AttentionFused, RunsWhereItIsToldTo) {
  for (const AttentionCase& c : selfcheck::attention_cases()) {
    SCOPED_TRACE(c.label);
    const auto in = selfcheck::make_inputs(c, at::kFloat);
    for (Path path : {Path::reference, Path::stock, Path::kernel}) {
      const auto before = path_runs(path);
      attention(in.query, in.key, in.value, in.sink, in.document_start,
                selfcheck::make_options(c, PathSet::only(path)));
      EXPECT_EQ(path_runs(path) - before, 1) << name(path);
    }
  }
}

TEST(AttentionFused, TakesTheKernelWhereItServesThenStockThenTheReference) {
  const at::Tensor query = at::ones({1, 2, 3, 4});
  auto path = [](const at::Tensor& q, const at::Tensor& v) {
    return *choose_path(q, q, v, {}, {}, {}).path;
  };
  EXPECT_EQ(path(query, query), Path::kernel);
  EXPECT_EQ(path(query.to(at::kBFloat16), query.to(at::kBFloat16)), Path::kernel);
  EXPECT_EQ(path(query.to(at::kDouble), query.to(at::kDouble)), Path::stock);
  EXPECT_EQ(path(at::ones({1, 2, 3, 300}), at::ones({1, 2, 3, 300})), Path::stock);
  EXPECT_EQ(path(query, at::ones({1, 2, 3, 5})), Path::reference);
}

TEST(AttentionFused, DeclinesWithAReason) {
  const at::Tensor query = at::ones({1, 2, 3, 4}), value = at::ones({1, 2, 3, 5});
  AttentionOptions options;
  options.paths = PathSet::only(Path::stock);
  const auto choice = choose_path(query, query, value, {}, {}, options);
  EXPECT_FALSE(choice.path);
  ASSERT_EQ(choice.reasons.size(), 3u);
  EXPECT_EQ(choice.reasons[0], "kernel: not admitted by the caller");
  EXPECT_NE(choice.reasons[1].find("equal head sizes, got 4 and 5"), std::string::npos);
  EXPECT_THROW(attention(query, query, value, {}, {}, options), Unsupported);
  EXPECT_EQ(attention(query, query, value).out.size(3), 5);  // the reference takes over
}

TEST(AttentionFused, NoAdmittedPathIsAnError) {
  const at::Tensor query = at::ones({1, 2, 3, 4});
  AttentionOptions options;
  options.paths = {false, false, false};
  EXPECT_THROW(attention(query, query, query, {}, {}, options), Unsupported);
}

TEST(AttentionFused, EmptyDimensionsLeaveEverythingToTheSink) {
  for (auto [T, S] : {std::pair{0, 0}, {0, 3}, {3, 0}}) {
    SCOPED_TRACE(::testing::Message() << "T " << T << ", S " << S);
    const at::Tensor query = at::ones({1, 2, T, 4}), key = at::ones({1, 2, S, 4});
    for (Path path : {Path::reference, Path::kernel}) {
      AttentionOptions options;
      options.gate = Gate::sink;
      options.paths = PathSet::only(path);
      const auto r = attention(query, key, key, at::tensor({0.25f, 0.5f}), {}, options);
      EXPECT_EQ(r.out.sizes(), query.sizes());
      EXPECT_EQ(r.out.abs().sum().item<float>(), 0.0f);
      if (T == 0) continue;
      EXPECT_NEAR(r.lse[0][1][0].item<float>(), 0.5f, 1e-7);
      EXPECT_EQ(r.gate.max().item<float>(), 0.0f);
    }
  }
}

TEST(AttentionFused, AwkwardStridesGiveTheSameBits) {
  const AttentionCase c{.label = "strides", .H = 4, .K = 4, .gate = Gate::first_key};
  const auto in = selfcheck::make_inputs(c, at::kFloat);
  auto projected = [](const at::Tensor& t) {  // [B, T, H, D] in memory, as a projection makes it
    return t.transpose(1, 2).contiguous().transpose(1, 2);
  };
  auto last_strided = [](const at::Tensor& t) {  // last dimension with a stride of T
    return t.transpose(2, 3).contiguous().transpose(2, 3);
  };
  auto offset = [](const at::Tensor& t) {  // one element off any alignment
    at::Tensor storage = at::zeros({t.numel() + 1}, t.options());
    storage.narrow(0, 1, t.numel()).copy_(t.reshape(-1));
    return storage.narrow(0, 1, t.numel()).view(t.sizes());
  };
  for (Path path : {Path::stock, Path::kernel}) {
    const auto options = selfcheck::make_options(c, PathSet::only(path));
    const auto expected = attention(in.query, in.key, in.value, {}, {}, options);
    EXPECT_TRUE(expected.out.transpose(1, 2).is_contiguous());
    for (auto change : {+projected, +last_strided, +offset}) {
      const auto r = attention(change(in.query), change(in.key), change(in.value), {}, {}, options);
      EXPECT_TRUE(at::equal(r.out, expected.out));
      EXPECT_TRUE(at::equal(r.lse, expected.lse));
      EXPECT_LE(largest_error(r.gate, expected.gate), 1e-6);
    }
  }
}

TEST(AttentionFused, MetamorphicRelationsHold) {
  const AttentionCase c{.label = "sink", .T = 33, .S = 33, .gate = Gate::sink, .sink = 0.5};
  const auto in = selfcheck::make_inputs(c, at::kDouble);
  const auto options = selfcheck::make_options(c, PathSet::only(Path::stock));
  // A sink of -inf is no sink.
  const at::Tensor closed = at::full({c.H}, -std::numeric_limits<double>::infinity(), at::kDouble);
  const auto without = attention(in.query, in.key, in.value, {}, {}, {});
  const auto with = attention(in.query, in.key, in.value, closed, {}, options);
  EXPECT_TRUE(at::equal(with.out, without.out));
  EXPECT_EQ(with.gate.min().item<double>(), 1.0);
  // A sink equals one more key without a value: its score is made z by a channel of its own.
  const auto r = attention(in.query, in.key, in.value, in.sink, {}, options);
  const at::Tensor query = at::cat({in.query, at::ones({c.B, c.H, c.T, 1}, at::kDouble)}, -1);
  at::Tensor key = at::cat({in.key, at::zeros({c.B, c.K, c.S, 1}, at::kDouble)}, -1)
                       .repeat_interleave(c.H / c.K, 1);
  const double scale = 1.0 / std::sqrt(static_cast<double>(c.D));
  at::Tensor sink_key = at::zeros({c.B, c.H, 1, c.D + 1}, at::kDouble);
  sink_key.select(-1, c.D).copy_((in.sink / scale).view({1, c.H, 1}).expand({c.B, c.H, 1}));
  key = at::cat({sink_key, key}, 2);
  at::Tensor value = at::constant_pad_nd(in.value.repeat_interleave(c.H / c.K, 1), {0, 1}, 0.0);
  value = at::cat({at::zeros({c.B, c.H, 1, c.D + 1}, at::kDouble), value}, 2);
  AttentionOptions extra_key;
  extra_key.scale = scale;
  const auto expected = attention(query, key, value, {}, {}, extra_key);
  EXPECT_LE(largest_error(r.out, expected.out.narrow(-1, 0, c.D)), 1e-13);
  EXPECT_LE(largest_error(r.lse, expected.lse), 1e-13);
}

TEST(AttentionFused, BadArgumentsAreNamed) {
  const at::Tensor query = at::ones({2, 4, 3, 8}), key = at::ones({2, 2, 3, 8});
  auto message = [&](auto&& call) -> std::string {
    try {
      call();
    } catch (const BadArgument& error) {
      return error.what();
    }
    return "no error";
  };
  auto expect = [&](const std::string& part, auto&& call) {
    EXPECT_NE(message(call).find(part), std::string::npos) << message(call);
  };
  expect("query has the wrong rank", [&] { attention(query[0], key, key); });
  expect("[2, K, S, 8]", [&] { attention(query, at::ones({2, 2, 3, 9}), key); });
  expect("multiple of key heads", [&] {
    attention(query, at::ones({2, 3, 3, 8}), at::ones({2, 3, 3, 8}));
  });
  expect("mixed dtypes", [&] { attention(query, key.to(at::kDouble), key); });
  expect("not floating point", [&] { attention(query.to(at::kLong), key, key); });
  expect("[H] = [4]", [&] { attention(query, key, key, at::ones({2})); });
  expect("there is none", [&] { attention(query, key, key, {}, {}, {.gate = Gate::sink}); });
  expect("window holds no key", [&] { attention(query, key, key, {}, {}, {.window = 0}); });
  expect("[B, T] = [2, 3]", [&] { attention(query, key, key, {}, at::zeros({2, 4}, at::kLong)); });
  expect("int32 or int64", [&] { attention(query, key, key, {}, at::zeros({2, 3})); });
  expect("points outside", [&] { attention(query, key, key, {}, at::full({2, 3}, 2, at::kLong)); });
}

TEST(AttentionMeta, ShapesAndStridesAreThoseOfTheKernel) {
  for (const AttentionCase& c : selfcheck::attention_cases()) {
    SCOPED_TRACE(c.label);
    const auto in = selfcheck::make_inputs(c, at::kBFloat16);
    auto meta = [](const at::Tensor& t) { return t.defined() ? t.to(at::kMeta) : t; };
    const auto options = selfcheck::make_options(c, {});
    const auto real = attention(in.query, in.key, in.value, in.sink, in.document_start, options);
    torch::NoGradGuard no_grad;
    c10::InferenceMode below_autograd;
    const auto shape = attention(meta(in.query), meta(in.key), meta(in.value), meta(in.sink),
                                 meta(in.document_start), options);
    for (auto [a, b] : {std::pair{real.out, shape.out}, {real.lse, shape.lse}}) {
      EXPECT_EQ(a.sizes(), b.sizes());
      for (std::int64_t d = 0; d < a.dim();
           ++d) {  // the stride of a dimension of size 1 says nothing
        if (a.size(d) > 1) {
          EXPECT_EQ(a.stride(d), b.stride(d)) << "dimension " << d;
        }
      }
      EXPECT_EQ(a.scalar_type(), b.scalar_type());
    }
  }
}

}  // namespace
}  // namespace sinkwise::ops
