#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>

#include "cpu/workspace.h"
#include "problem.h"
#include "sinkwise/kernels/instruction_set.h"

namespace sinkwise::kernels {
namespace {

// Every test runs on every instruction set of this processor, on workspaces full of NaN.
class KernelAttention : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    use_instruction_set(GetParam());
    Workspace::fill_with_nan_in_tests(true);
  }
  void TearDown() override { Workspace::fill_with_nan_in_tests(false); }
};

INSTANTIATE_TEST_SUITE_P(Cpu, KernelAttention, ::testing::ValuesIn(instruction_sets()),
                         [](const auto& set) { return set.param; });

std::string describe(const AttentionProblem& p) {
  const auto word = [](const char* name, std::int64_t value) {
    return std::string(name) + " " + std::to_string(value) + ", ";
  };
  return word("B", p.B) + word("H", p.H) + word("K", p.K) + word("T", p.T) + word("S", p.S) +
         word("D", p.D) + word("causal", p.causal) + word("window", p.window) +
         word("gate", static_cast<std::int64_t>(p.gate)) + word("sink", p.sink != nullptr) +
         word("documents", p.document_start != nullptr);
}

// What rounding P and dS to E adds to an error where the dot products of bfloat16 need them so, as
// every plain program in bfloat16 keeps them: three deviations of a sum of independent roundings of
// up to 2^-8 of their terms.
template <class E>
double rounded_weights(const std::vector<double>& square) {
  if (sizeof(E) != 2 || instruction_set() != "avx512_bf16" || square.empty()) return 0.0;
  const double deviation = std::ldexp(1.0, -8) / std::sqrt(3.0);
  return 3.0 * deviation * std::sqrt(*std::max_element(square.begin(), square.end()));
}

// Twice the error of the plain float32 program, plus what no program avoids: 20 roundings of the
// result's size (sums of up to 300 terms in another order), one rounding to E, and for gradients
// one rounding of the operands' product that cancels in dO . v - delta. rounded: what rounded
// weights add.
template <class E>
void expect_near(const char* name, const std::vector<E>& actual, const std::vector<float>& plain,
                 const std::vector<double>& exact, double cancelling, double roundings,
                 double rounded = 0.0) {
  const double unit = std::ldexp(1.0, -24);
  double size = 0.0, rounding = 0.0;
  for (double x : exact) {
    if (!std::isfinite(x)) continue;
    size = std::max(size, std::abs(x));
    rounding =
        std::max(rounding,
                 std::abs(x - static_cast<double>(to_float(from_float<E>(static_cast<float>(x))))));
  }
  const double allowed = 2.0 * largest_error(plain, exact) +
                         roundings * unit * (size + cancelling) + rounding + rounded;
  EXPECT_LE(largest_error(actual, exact), allowed) << name;
}

template <class E>
void expect_right(const Problem<E>& problem, double roundings = 20.0) {
  const auto exact = problem.template naive<double>();
  const auto plain = problem.template naive<float>();
  const double d = static_cast<double>(problem.p.D);
  expect_near("out", problem.out, plain.out, exact.out, 0.0, roundings,
              rounded_weights<E>(exact.square.out));
  expect_near("lse", problem.lse, plain.lse, exact.lse, 0.0, roundings);
  if (problem.p.gate != Gate::none) {
    expect_near("gate", problem.gate, plain.gate, exact.gate, 0.0, roundings);
  }
  expect_near("dq", problem.grad_query, plain.grad_query, exact.grad_query, d, roundings,
              rounded_weights<E>(exact.square.grad_query));
  expect_near("dk", problem.grad_key, plain.grad_key, exact.grad_key, d, roundings,
              rounded_weights<E>(exact.square.grad_key));
  expect_near("dv", problem.grad_value, plain.grad_value, exact.grad_value, 0.0, roundings,
              rounded_weights<E>(exact.square.grad_value));
  expect_near("dsink", problem.grad_sink, plain.grad_sink, exact.grad_sink, d, roundings,
              rounded_weights<E>(exact.square.grad_sink));
}

// Sizes on both sides of every tile, all options in all combinations that the seed meets.
template <class E>
Problem<E> random_problem(std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto between = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<unsigned>(high - low + 1));
  };
  Problem<E> problem;
  AttentionProblem& p = problem.p;
  p.B = between(1, 2), p.K = between(1, 2), p.H = p.K * between(1, 3);
  p.T = between(0, 150), p.S = between(0, 2) > 0 ? p.T : between(0, 150);
  p.D = seed % 10 == 0 ? between(129, 256) : between(1, 80);
  p.causal = between(0, 3) > 0;
  p.window = between(0, 2) > 0 ? 0 : between(1, 160);
  p.gate = static_cast<Gate>(between(0, 2));
  const bool packed = between(0, 2) == 0 && (p.T == p.S || (p.causal && p.T < p.S));
  if (packed) problem.document_start = random_documents(p, 20, seed);
  problem.fill(seed, p.gate == Gate::sink || between(0, 1) == 0);
  return problem;
}

template <class E>
void run_random_problems() {
  for (std::uint32_t seed = 1; seed <= 150; ++seed) {
    Problem<E> problem = random_problem<E>(seed);
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + describe(problem.p));
    const Executor executor = thread_executor(1 + seed % 3);
    problem.forward(executor);
    problem.backward(executor);
    expect_right(problem);
  }
}

TEST_P(KernelAttention, EqualsTheDefinitionInFloat32) { run_random_problems<float>(); }
TEST_P(KernelAttention, EqualsTheDefinitionInBfloat16) { run_random_problems<BFloat16>(); }

// Whole numbers that bfloat16 holds and weights of 1 or 1/8, so that every result is a multiple of
// 1/8: no tolerance for rounding can hide an element that is left out or met twice. What is left is
// the error of float32 weights where they are not rounded and a sum is zero.
constexpr double kOfWeights = 1e-4;

Problem<BFloat16> whole_numbers(std::int64_t T, std::int64_t S, std::int64_t D) {
  Problem<BFloat16> problem;
  AttentionProblem& p = problem.p;
  p.B = 1, p.H = 2, p.K = 1, p.T = T, p.S = S, p.D = D;
  problem.fill(4, false);
  p.scale = 1.0F;
  std::mt19937 random(4);
  for (auto* values : {&problem.query, &problem.key, &problem.value, &problem.grad_out}) {
    for (BFloat16& x : *values) x = from_float<BFloat16>(static_cast<float>(random() % 5) - 2.0F);
  }
  for (float& x : problem.grad_lse) x = static_cast<float>(random() % 5) - 2.0F;
  return problem;
}

constexpr std::int64_t kHeadSizes[] = {1, 2, 3, 15, 16, 17, 31, 33, 64, 65, 127, 129, 255, 256};

// A window of one key: P = 1, the log-sum-exp is the score, and only dL moves query and key.
TEST_P(KernelAttention, OneKeyARowIsExactInBfloat16) {
  for (std::int64_t D : kHeadSizes) {
    SCOPED_TRACE("D " + std::to_string(D));
    Problem<BFloat16> problem = whole_numbers(99, 99, D);
    problem.p.window = 1;
    problem.forward(serial_executor());
    problem.backward(serial_executor());
    const auto exact = problem.naive<double>();
    EXPECT_LT(largest_error(problem.out, exact.out), kOfWeights);
    EXPECT_LT(largest_error(problem.lse, exact.lse), kOfWeights);
    EXPECT_LT(largest_error(problem.grad_query, exact.grad_query), kOfWeights);
    EXPECT_LT(largest_error(problem.grad_key, exact.grad_key), kOfWeights);
    EXPECT_LT(largest_error(problem.grad_value, exact.grad_value), kOfWeights);
  }
}

// Queries of zero weigh eight keys alike: P = 1/8.
TEST_P(KernelAttention, EqualWeightsAreExactInBfloat16) {
  for (std::int64_t D : kHeadSizes) {
    SCOPED_TRACE("D " + std::to_string(D));
    Problem<BFloat16> problem = whole_numbers(45, 8, D);
    problem.p.causal = false;
    std::fill(problem.query.begin(), problem.query.end(), BFloat16{});
    problem.forward(serial_executor());
    problem.backward(serial_executor());
    const auto exact = problem.naive<double>();
    EXPECT_LT(largest_error(problem.out, exact.out), kOfWeights);
    EXPECT_LT(largest_error(problem.grad_value, exact.grad_value), kOfWeights);
  }
}

TEST_P(KernelAttention, LengthsOfZeroAndOne) {
  for (std::int64_t T : {0, 1}) {
    for (std::int64_t S : {0, 1, 7}) {
      for (bool sink : {false, true}) {
        Problem<float> problem;
        problem.p.B = problem.p.H = problem.p.K = 1;
        problem.p.T = T, problem.p.S = S, problem.p.D = 16;
        problem.p.gate = sink ? Gate::sink : Gate::first_key;
        problem.fill(5, sink);
        SCOPED_TRACE(describe(problem.p));
        problem.forward(serial_executor());
        problem.backward(serial_executor());
        expect_right(problem);
      }
    }
  }
}

TEST_P(KernelAttention, RowsThatSeeNothing) {
  for (bool sink : {false, true}) {
    Problem<float> problem;
    problem.p.B = 1, problem.p.H = problem.p.K = 2;
    problem.p.T = 40, problem.p.S = 9, problem.p.D = 24;  // causal: rows 0 to 30 see no key
    problem.p.gate = sink ? Gate::sink : Gate::first_key;
    problem.fill(6, sink);
    problem.forward(serial_executor());
    problem.backward(serial_executor());
    expect_right(problem);
    for (std::size_t row = 0; row < 31; ++row) {
      EXPECT_EQ(problem.lse[row], sink ? problem.sink[0] : -INFINITY);
      EXPECT_EQ(problem.gate[row], sink ? 0.0F : 1.0F);
      EXPECT_EQ(problem.out[row * 24], 0.0F);
      EXPECT_EQ(problem.grad_query[row * 24], 0.0F);
    }
  }
}

// Under causal order any key of the past may be a row's first, so first keys may move back from one
// row to the next; this is what the operator's checks allow.
TEST_P(KernelAttention, FirstKeysInAnyOrder) {
  for (std::int64_t window : {0, 40}) {
    Problem<float> problem;
    AttentionProblem& p = problem.p;
    p.B = 1, p.H = 2, p.K = 1;
    p.T = p.S = 150, p.D = 20, p.window = window, p.gate = Gate::first_key;
    std::mt19937 random(13);
    for (unsigned row = 0; row < 150; ++row) problem.document_start.push_back(random() % (row + 1));
    problem.fill(13, true);
    SCOPED_TRACE(describe(p));
    problem.forward(serial_executor());
    problem.backward(serial_executor());
    expect_right(problem);
  }
}

TEST_P(KernelAttention, ManyKeys) {
  Problem<float> problem;
  problem.p.B = problem.p.H = problem.p.K = 1;
  problem.p.T = 3, problem.p.S = 65537, problem.p.D = 16;
  problem.p.gate = Gate::first_key;
  problem.fill(8, true);
  problem.forward(thread_executor(2));
  problem.backward(thread_executor(2));
  expect_right(problem);
}

TEST_P(KernelAttention, ExtremeSinksAndScores) {
  for (float z : {-INFINITY, -1e4F, 0.0F, 100.0F, 1e4F}) {
    Problem<float> problem;
    problem.p.B = 1, problem.p.H = problem.p.K = 2;
    problem.p.T = problem.p.S = 33, problem.p.D = 16;
    problem.p.gate = Gate::sink;
    problem.fill(9, true);
    std::fill(problem.sink.begin(), problem.sink.end(), z);
    for (float& x : problem.key) x *= 8.0F;
    SCOPED_TRACE(z);
    problem.forward(serial_executor());
    problem.backward(serial_executor());
    expect_right(problem, 20.0 + (std::isfinite(z) ? std::abs(static_cast<double>(z)) : 0.0));
  }
}

template <class E>
void expect_same_bits() {
  Problem<E> problem;
  problem.p.B = 1, problem.p.H = 3, problem.p.K = 1;
  problem.p.T = problem.p.S = 700, problem.p.D = 32;
  problem.p.gate = Gate::first_key;
  problem.fill(10, true);
  Problem<E> once = problem, again = problem, serial = problem;
  for (Problem<E>* run : {&once, &again, &serial}) {
    run->connect();
    const Executor executor = run == &serial ? serial_executor() : thread_executor(3);
    run->forward(executor);
    run->backward(executor);
  }
  EXPECT_TRUE(same_bits(once.out, serial.out)) << "forward: for any number of threads";
  EXPECT_EQ(once.lse, serial.lse);
  EXPECT_EQ(once.gate, serial.gate);
  EXPECT_TRUE(same_bits(once.grad_query, again.grad_query));
  EXPECT_TRUE(same_bits(once.grad_key, again.grad_key));
  EXPECT_TRUE(same_bits(once.grad_value, again.grad_value));
  EXPECT_EQ(once.grad_sink, again.grad_sink);
}

TEST_P(KernelAttention, SameBitsForTheSameThreads) {
  expect_same_bits<float>();
  expect_same_bits<BFloat16>();
}

// --- What a row does not see cannot matter to it, not even NaN ---

template <class V>
void set_rows(std::vector<V>& values, std::int64_t row_size, std::int64_t begin, std::int64_t end,
              float value) {
  for (std::int64_t i = begin * row_size; i < end * row_size; ++i) {
    values[static_cast<std::size_t>(i)] = from_float<V>(value);
  }
}

template <class V>
std::vector<V> rows_of(const std::vector<V>& values, std::int64_t row_size, std::int64_t begin,
                       std::int64_t end) {
  return {values.begin() + begin * row_size, values.begin() + end * row_size};
}

// Two documents of one head; everything that belongs to the second becomes `poison`.
template <class E>
void expect_first_document_untouched(float poison, bool causal, std::int64_t window) {
  constexpr std::int64_t kFirst = 37, kRows = 101, kSize = 20;
  Problem<E> clean;
  AttentionProblem& p = clean.p;
  p.B = p.H = p.K = 1;
  p.T = p.S = kRows, p.D = kSize;
  p.causal = causal, p.window = window, p.gate = Gate::first_key;
  clean.document_start.assign(static_cast<std::size_t>(kRows), kFirst);
  std::fill_n(clean.document_start.begin(), kFirst, 0);
  clean.fill(11, true);
  Problem<E> poisoned = clean;
  for (auto* values : {&poisoned.query, &poisoned.key, &poisoned.value, &poisoned.grad_out}) {
    set_rows(*values, kSize, kFirst, kRows, poison);
  }
  for (Problem<E>* run : {&clean, &poisoned}) {
    run->connect();
    run->forward(serial_executor());
    run->backward(serial_executor());
  }
  const auto same = [&](const auto& a, const auto& b, std::int64_t row_size) {
    return same_bits(rows_of(a, row_size, 0, kFirst), rows_of(b, row_size, 0, kFirst));
  };
  EXPECT_TRUE(same(clean.out, poisoned.out, kSize));
  EXPECT_TRUE(same(clean.lse, poisoned.lse, 1));
  EXPECT_TRUE(same(clean.gate, poisoned.gate, 1));
  EXPECT_TRUE(same(clean.grad_query, poisoned.grad_query, kSize));
  EXPECT_TRUE(same(clean.grad_key, poisoned.grad_key, kSize));
  EXPECT_TRUE(same(clean.grad_value, poisoned.grad_value, kSize));
}

TEST_P(KernelAttention, OtherDocumentsDoNotMatter) {
  for (bool causal : {true, false}) {
    for (std::int64_t window : {0, 9}) {
      SCOPED_TRACE(causal);
      expect_first_document_untouched<float>(3.0F, causal, window);
      expect_first_document_untouched<BFloat16>(3.0F, causal, window);
    }
  }
}

// The sums take another order where NaN is about, so the bits may differ; the values may not.
template <class E>
void expect_no_leak(double out_error, double gradient_error) {
  for (float poison : {NAN, INFINITY}) {
    Problem<E> problem;
    AttentionProblem& p = problem.p;
    p.B = 1, p.H = 2, p.K = 1;
    p.T = p.S = 150, p.D = 20, p.window = 40, p.gate = Gate::first_key;
    problem.fill(12, true);
    const auto exact = problem.template naive<double>();
    // Key 100 becomes NaN: rows 0 to 99 and 140 to 149 of both heads do not see it.
    set_rows(problem.key, p.D, 100, 101, poison);
    set_rows(problem.value, p.D, 100, 101, poison);
    problem.forward(serial_executor());
    problem.backward(serial_executor());
    for (std::int64_t i = 0; i < p.H * p.T; ++i) {
      const std::int64_t row = i % p.T;
      const bool sees = row >= 100 && row < 140;
      const auto at = static_cast<std::size_t>(i * p.D);
      EXPECT_EQ(std::isnan(to_float(problem.out[at])), sees) << row;
      if (sees) continue;
      EXPECT_NEAR(to_float(problem.out[at]), exact.out[at], out_error);
      EXPECT_NEAR(to_float(problem.grad_query[at]), exact.grad_query[at], gradient_error);
    }
    // Keys whose rows all have a finite answer keep a finite gradient: row 139 is the last that
    // sees key 100, and it sees keys 100 to 139.
    for (std::int64_t key = 0; key < p.S; ++key) {
      const auto at = static_cast<std::size_t>(key * p.D);
      const bool met = key >= 61 && key < 140;  // by a row that sees key 100
      if (met) continue;
      EXPECT_NEAR(to_float(problem.grad_key[at]), exact.grad_key[at], gradient_error) << key;
      EXPECT_NEAR(to_float(problem.grad_value[at]), exact.grad_value[at], gradient_error) << key;
    }
  }
}

TEST_P(KernelAttention, NanOutOfSightDoesNotLeak) {
  expect_no_leak<float>(1e-5, 1e-4);
  expect_no_leak<BFloat16>(0.05, 0.1);
}

// A document of odd length ends within a pair of keys: rows that all see the whole document need no
// mask, and still must not multiply the partner of its last key, which is NaN here.
TEST_P(KernelAttention, NanBesideTheLastKeyDoesNotLeak) {
  constexpr std::int64_t kFirst = 37, kRows = 101, kSize = 20;
  Problem<BFloat16> problem;
  AttentionProblem& p = problem.p;
  p.B = p.H = p.K = 1, p.T = p.S = kRows, p.D = kSize;
  p.causal = false, p.gate = Gate::first_key;
  problem.document_start.assign(static_cast<std::size_t>(kRows), kFirst);
  std::fill_n(problem.document_start.begin(), kFirst, 0);
  problem.fill(14, true);
  const auto exact = problem.naive<double>();
  for (auto* values : {&problem.query, &problem.key, &problem.value, &problem.grad_out}) {
    set_rows(*values, kSize, kFirst, kRows, NAN);
  }
  problem.forward(serial_executor());
  problem.backward(serial_executor());
  for (std::size_t at = 0; at < static_cast<std::size_t>(kFirst * kSize); ++at) {
    EXPECT_NEAR(to_float(problem.out[at]), exact.out[at], 0.05);
    EXPECT_NEAR(to_float(problem.grad_query[at]), exact.grad_query[at], 0.1);
    EXPECT_NEAR(to_float(problem.grad_key[at]), exact.grad_key[at], 0.1);
    EXPECT_NEAR(to_float(problem.grad_value[at]), exact.grad_value[at], 0.1);
  }
}

TEST(KernelAttentionDecline, NamesTheReason) {
  AttentionProblem p;
  p.B = p.H = p.K = 1, p.T = p.S = 4, p.D = 300;
  EXPECT_NE(decline_reason(p).value_or("").find("head size 300"), std::string::npos);
  p.D = 8;
  EXPECT_FALSE(decline_reason(p));
  const std::int64_t start[] = {0, 1, 0, 1};
  p.document_start = start;
  EXPECT_FALSE(decline_reason(p)) << "causal: any start makes an interval";
  p.causal = false;
  EXPECT_NE(decline_reason(p).value_or("").find("not neighbours"), std::string::npos);
}

}  // namespace
}  // namespace sinkwise::kernels
