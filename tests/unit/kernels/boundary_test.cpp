#include <cstring>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "problem.h"
#include "sinkwise/kernels/instruction_set.h"

// Buffers that end at an inaccessible page: one element read or written past the end ends the
// process. Rows lie as a projection makes them, [B, T, heads, D], one element off any alignment.

namespace sinkwise::kernels {
namespace {

// `count` elements between two inaccessible pages, against the upper or the lower one.
template <class E>
class GuardedArray {
 public:
  GuardedArray(std::size_t count, bool at_end) : count_(count) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t inner = (count * sizeof(E) + page) / page * page;
    size_ = inner + 2 * page;
    memory_ = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    char* start = static_cast<char*>(memory_) + page;
    if (mprotect(start, inner, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
    data_ = reinterpret_cast<E*>(at_end ? start + inner - count * sizeof(E) : start);
  }
  GuardedArray(const GuardedArray&) = delete;
  GuardedArray& operator=(const GuardedArray&) = delete;
  ~GuardedArray() { munmap(memory_, size_); }

  E* data() { return data_; }
  void copy_from(const std::vector<E>& values) {
    std::memcpy(static_cast<void*>(data_), values.data(), count_ * sizeof(E));
  }
  std::vector<E> copy() const { return {data_, data_ + count_}; }

 private:
  std::size_t count_, size_ = 0;
  void* memory_ = nullptr;
  E* data_ = nullptr;
};

// [B, heads, rows, D] contiguous to [B, rows, heads, D] and back (with rows and heads exchanged).
template <class E>
std::vector<E> exchanged(const std::vector<E>& from, std::int64_t B, std::int64_t outer,
                         std::int64_t inner, std::int64_t D) {
  std::vector<E> to(from.size());
  for (std::int64_t b = 0; b < B; ++b) {
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t i = 0; i < inner; ++i) {
        std::memcpy(static_cast<void*>(to.data() + ((b * inner + i) * outer + o) * D),
                    from.data() + ((b * outer + o) * inner + i) * D,
                    static_cast<std::size_t>(D) * sizeof(E));
      }
    }
  }
  return to;
}

template <class E>
void expect_same_between_guards(std::int64_t D, bool at_end) {
  Problem<E> problem;
  AttentionProblem& p = problem.p;
  p.B = 2, p.H = 4, p.K = 2, p.T = 37, p.S = 41, p.D = D, p.gate = Gate::first_key;
  problem.fill(21, true);
  problem.forward(serial_executor());
  problem.backward(serial_executor());

  const auto guarded = [&](const std::vector<E>& values, std::int64_t heads, std::int64_t rows) {
    auto array = std::make_unique<GuardedArray<E>>(values.size(), at_end);
    array->copy_from(exchanged(values, p.B, heads, rows, D));
    return array;
  };
  const auto query = guarded(problem.query, p.H, p.T),
             grad_out = guarded(problem.grad_out, p.H, p.T);
  const auto key = guarded(problem.key, p.K, p.S), value = guarded(problem.value, p.K, p.S);
  GuardedArray<E> out(problem.out.size(), at_end), grad_query(problem.out.size(), at_end);
  GuardedArray<E> grad_key(problem.key.size(), at_end), grad_value(problem.key.size(), at_end);
  GuardedArray<float> lse(problem.lse.size(), at_end), gate(problem.gate.size(), at_end);
  GuardedArray<float> grad_sink(problem.sink.size(), at_end);

  const Strides rows{p.T * p.H * D, D, p.H * D}, keys{p.S * p.K * D, D, p.K * D};
  AttentionProblem strided = p;
  strided.query = {query->data(), rows};
  strided.key = {key->data(), keys}, strided.value = {value->data(), keys};
  attention_forward(strided, {{out.data(), rows}, lse.data(), gate.data()}, serial_executor());
  attention_backward(strided, {{out.data(), rows}, lse.data(), gate.data()},
                     {{grad_out->data(), rows}, problem.grad_lse.data(), problem.grad_gate.data()},
                     {{grad_query.data(), rows},
                      {grad_key.data(), keys},
                      {grad_value.data(), keys},
                      grad_sink.data()},
                     serial_executor());
  EXPECT_TRUE(same_bits(exchanged(out.copy(), p.B, p.T, p.H, D), problem.out));
  EXPECT_TRUE(same_bits(lse.copy(), problem.lse));
  EXPECT_TRUE(same_bits(gate.copy(), problem.gate));
  EXPECT_TRUE(same_bits(exchanged(grad_query.copy(), p.B, p.T, p.H, D), problem.grad_query));
  EXPECT_TRUE(same_bits(exchanged(grad_key.copy(), p.B, p.S, p.K, D), problem.grad_key));
  EXPECT_TRUE(same_bits(exchanged(grad_value.copy(), p.B, p.S, p.K, D), problem.grad_value));
  EXPECT_TRUE(same_bits(grad_sink.copy(), problem.grad_sink));
}

TEST(KernelBoundary, NothingIsTouchedOutsideTheTensors) {
  for (const std::string& set : instruction_sets()) {
    use_instruction_set(set);
    for (std::int64_t D : {1, 7, 16, 20, 33, 64}) {
      for (bool at_end : {false, true}) {
        SCOPED_TRACE(set + ", D " + std::to_string(D) + (at_end ? ", upper" : ", lower"));
        expect_same_between_guards<float>(D, at_end);
        expect_same_between_guards<BFloat16>(D, at_end);
      }
    }
  }
}

TEST(KernelBoundary, ExpandedInputsAreReadInPlace) {
  for (const std::string& set : instruction_sets()) {
    use_instruction_set(set);
    Problem<float> problem;  // keys, values and upstream gradients of one batch entry serve both
    AttentionProblem& p = problem.p;
    p.B = 2, p.H = p.K = 2, p.T = p.S = 30, p.D = 16, p.gate = Gate::sink;
    problem.fill(22, true);
    const auto half = static_cast<std::ptrdiff_t>(problem.key.size() / 2);
    for (auto* values : {&problem.key, &problem.value, &problem.grad_out}) {
      std::copy(values->begin(), values->begin() + half, values->begin() + half);
    }
    Problem<float> expanded = problem;
    problem.forward(serial_executor());
    problem.backward(serial_executor());
    expanded.connect();
    expanded.p.key.strides.batch = expanded.p.value.strides.batch = 0;
    expanded.forward(serial_executor());
    Strides no_batch = expanded.query_strides();
    no_batch.batch = 0;
    attention_backward(
        expanded.p,
        {{expanded.out.data(), expanded.query_strides()},
         expanded.lse.data(),
         expanded.gate.data()},
        {{expanded.grad_out.data(), no_batch}, expanded.grad_lse.data(), expanded.grad_gate.data()},
        {{expanded.grad_query.data(), expanded.query_strides()},
         {expanded.grad_key.data(), expanded.key_strides()},
         {expanded.grad_value.data(), expanded.key_strides()},
         expanded.grad_sink.data()},
        serial_executor());
    EXPECT_EQ(expanded.out, problem.out);
    EXPECT_EQ(expanded.grad_query, problem.grad_query);
    EXPECT_EQ(expanded.grad_key, problem.grad_key);
    EXPECT_EQ(expanded.grad_value, problem.grad_value);
  }
}

}  // namespace
}  // namespace sinkwise::kernels
