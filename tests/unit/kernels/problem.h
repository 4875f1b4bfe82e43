#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "cpu/element.h"
#include "naive_attention.h"
#include "sinkwise/kernels/attention.h"

namespace sinkwise::kernels {

// The calls at the same time on threads of their own.
inline Executor thread_executor(std::int64_t threads) {
  return {threads, [](std::int64_t count, const std::function<void(std::int64_t)>& work) {
            std::vector<std::thread> others;
            for (std::int64_t i = 1; i < count; ++i) others.emplace_back([&work, i] { work(i); });
            if (count > 0) work(0);
            for (std::thread& other : others) other.join();
          }};
}

template <class Real, class V>
std::vector<Real> widened(const std::vector<V>& values) {
  std::vector<Real> result;
  for (V value : values) result.push_back(static_cast<Real>(to_float(value)));
  return result;
}

// One problem with its operands, results and gradients in arrays of its own. E is float or
// BFloat16.
template <class E>
struct Problem {
  AttentionProblem p;
  std::vector<E> query, key, value, grad_out;
  std::vector<float> sink, grad_lse, grad_gate;
  std::vector<std::int64_t> document_start;

  std::vector<E> out, grad_query, grad_key, grad_value;
  std::vector<float> lse, gate, grad_sink;

  // Normal random operands; values that a float32 and a bfloat16 problem share.
  void fill(std::uint32_t seed, bool with_sink) {
    std::mt19937 random(seed);
    const auto rows = static_cast<std::size_t>(p.B * p.H * p.T);
    const auto keys = static_cast<std::size_t>(p.B * p.K * p.S * p.D);
    const auto d = static_cast<std::size_t>(p.D);
    draw(query, rows * d, random);
    draw(key, keys, random);
    draw(value, keys, random);
    draw(grad_out, rows * d, random);
    draw(grad_lse, rows, random);
    draw(grad_gate, rows, random);
    draw(sink, with_sink ? static_cast<std::size_t>(p.H) : 0, random);
    p.scale = 1.0F / std::sqrt(static_cast<float>(p.D));
    p.element = sizeof(E) == 4 ? Element::float32 : Element::bfloat16;
    connect();
  }

  // Points the problem at the arrays and fills every result with NaN.
  void connect() {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    out.assign(query.size(), from_float<E>(nan));
    grad_query = out;
    grad_key.assign(key.size(), from_float<E>(nan));
    grad_value = grad_key;
    lse.assign(static_cast<std::size_t>(p.B * p.H * p.T), nan);
    gate = lse;
    grad_sink.assign(sink.size(), nan);
    p.query = {query.data(), query_strides()};
    p.key = {key.data(), key_strides()};
    p.value = {value.data(), key_strides()};
    p.sink = sink.empty() ? nullptr : sink.data();
    p.document_start = document_start.empty() ? nullptr : document_start.data();
  }

  Strides query_strides() const { return {p.H * p.T * p.D, p.T * p.D, p.D}; }
  Strides key_strides() const { return {p.K * p.S * p.D, p.S * p.D, p.D}; }

  void forward(const Executor& executor) {
    attention_forward(p, {{out.data(), query_strides()}, lse.data(), gate.data()}, executor);
  }

  void backward(const Executor& executor) {
    attention_backward(p, {{out.data(), query_strides()}, lse.data(), gate.data()},
                       {{grad_out.data(), query_strides()}, grad_lse.data(), grad_gate.data()},
                       {{grad_query.data(), query_strides()},
                        {grad_key.data(), key_strides()},
                        {grad_value.data(), key_strides()},
                        sink.empty() ? nullptr : grad_sink.data()},
                       executor);
  }

  template <class Real>
  NaiveAttention<Real> naive() const {
    NaiveAttention<Real> n;
    n.p = p;
    n.query = widened<Real>(query), n.key = widened<Real>(key), n.value = widened<Real>(value);
    n.sink = widened<Real>(sink), n.grad_out = widened<Real>(grad_out);
    n.grad_lse = widened<Real>(grad_lse), n.grad_gate = widened<Real>(grad_gate);
    if (sizeof(Real) == 4) {
      n.round_out = [](Real x) { return static_cast<Real>(to_float(from_float<E>(x))); };
    }
    n.run();
    return n;
  }

 private:
  template <class V>
  static void draw(std::vector<V>& values, std::size_t count, std::mt19937& random) {
    std::normal_distribution<float> normal;
    values.clear();
    for (std::size_t i = 0; i < count; ++i) {
      values.push_back(from_float<V>(to_float(from_float<BFloat16>(normal(random)))));
    }
  }
};

// Packed documents that end after about `mean` rows, the same rows for every batch entry but one.
inline std::vector<std::int64_t> random_documents(const AttentionProblem& p, int mean,
                                                  std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::int64_t> starts;
  for (std::int64_t b = 0; b < p.B; ++b) {
    std::int64_t start = 0;
    for (std::int64_t i = 0; i < p.T; ++i) {
      if (random() % static_cast<unsigned>(mean) == 0) start = i;
      starts.push_back(start + p.S - p.T);
    }
  }
  return starts;
}

// Largest absolute difference; equal infinities have none, NaN an infinite one.
template <class V>
double largest_error(const std::vector<V>& actual, const std::vector<double>& expected) {
  double largest = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto value = static_cast<double>(to_float(actual[i]));
    if (value == expected[i]) continue;
    const double error = std::abs(value - expected[i]);
    largest = std::max(largest, std::isnan(error) ? INFINITY : error);
  }
  return largest;
}

template <class E>
bool same_bits(const std::vector<E>& a, const std::vector<E>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(E)) == 0;
}

}  // namespace sinkwise::kernels
