#include "sinkwise/bench/attention.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include <torch/torch.h>

#include "memory.h"
#include "peers.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kLeastMilliseconds = 5.0;  // of one sample, so that the clock does not matter

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// Linear interpolation between the samples; `share` of 0.5 is the median.
double quantile(std::vector<double> samples, double share) {
  std::sort(samples.begin(), samples.end());
  const double at = share * static_cast<double>(samples.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, samples.size() - 1);
  return samples[low] + (at - static_cast<double>(low)) * (samples[high] - samples[low]);
}

Spread spread_of(const std::vector<double>& samples) {
  return {quantile(samples, 0.5), quantile(samples, 0.25), quantile(samples, 0.75)};
}

// One implementation and its samples, milliseconds a call, one a round.
struct Contestant {
  std::unique_ptr<Implementation> implementation;
  AttentionTimes times;
  int calls = 1;  // a sample
  std::vector<double> forward, backward, both;

  // The first call warms up and says how many calls make a sample.
  void prepare() {
    const auto begin = Clock::now();
    implementation->forward();
    implementation->backward();
    const double spent = milliseconds_since(begin);
    calls = static_cast<int>(std::clamp(kLeastMilliseconds / std::max(spent, 1e-3), 1.0, 200.0));
    times.extra_mebibytes = peak_extra_mebibytes([&] {
      implementation->forward();
      implementation->backward();
    });
  }

  void sample() {
    auto begin = Clock::now();
    for (int call = 0; call < calls; ++call) implementation->forward();
    forward.push_back(milliseconds_since(begin) / calls);
    double spent = 0.0;  // autograd frees a graph after one backward: forward stands between
    for (int call = 0; call < calls; ++call) {
      begin = Clock::now();
      implementation->backward();
      spent += milliseconds_since(begin);
      if (call + 1 < calls) implementation->forward();
    }
    backward.push_back(spent / calls);
    both.push_back(forward.back() + backward.back());
  }
};

double visible_pairs(const AttentionSize& size) {
  const auto T = static_cast<double>(size.T), W = static_cast<double>(size.window);
  if (size.window == 0 || size.window >= size.T) return T * (T + 1) / 2;
  return W * (W + 1) / 2 + (T - W) * W;
}

// Of both passes: two products of 2 D operations a pair forward, five backward.
double operations(const AttentionSize& size) {
  return 14.0 * static_cast<double>(size.D * size.H) * visible_pairs(size);
}

void finish(Contestant& contestant, const Contestant& kernel, const AttentionSize& size,
            double peak) {
  AttentionTimes& times = contestant.times;
  times.forward = spread_of(contestant.forward);
  times.backward = spread_of(contestant.backward);
  times.both = spread_of(contestant.both);
  times.gflops = operations(size) / times.both.median / 1e6;
  times.share_of_peak = times.gflops * 1e9 / (peak * size.threads);
  std::vector<double> ratios;
  for (std::size_t round = 0; round < contestant.both.size(); ++round) {
    ratios.push_back(contestant.both[round] / kernel.both[round]);
  }
  times.ratio_to_kernel = quantile(ratios, 0.5);
}

nlohmann::json to_json(const Spread& spread) {
  return {{"median", spread.median}, {"low", spread.low}, {"high", spread.high}};
}

}  // namespace

AttentionComparison compare_attention(const AttentionSize& size,
                                      const std::vector<std::string>& peers,
                                      const BenchBudget& budget, double peak) {
  at::set_num_threads(size.threads);
  const Operands operands = make_operands(size);
  std::vector<std::string> names{"kernel"};
  names.insert(names.end(), peers.begin(), peers.end());
  std::vector<Contestant> contestants;
  for (const std::string& name : names) {
    Contestant& contestant = contestants.emplace_back();
    contestant.times.name = name;
    contestant.implementation = make_implementation(name, size, operands);
    contestant.prepare();
  }
  AttentionComparison comparison{size, 0, {}};
  const auto begin = Clock::now();
  const auto enough = [&] {
    const bool late = milliseconds_since(begin) > 1e3 * budget.seconds;
    return comparison.rounds >= (late ? budget.least_rounds : budget.most_rounds);
  };
  while (!enough()) {
    for (Contestant& contestant : contestants) contestant.sample();
    ++comparison.rounds;
  }
  for (Contestant& contestant : contestants) finish(contestant, contestants[0], size, peak);
  for (Contestant& contestant : contestants) comparison.times.push_back(contestant.times);
  return comparison;
}

nlohmann::json to_json(const AttentionComparison& comparison) {
  const AttentionSize& size = comparison.size;
  nlohmann::json times = nlohmann::json::array();
  for (const AttentionTimes& t : comparison.times) {
    times.push_back({{"name", t.name},
                     {"forward_ms", to_json(t.forward)},
                     {"backward_ms", to_json(t.backward)},
                     {"both_ms", to_json(t.both)},
                     {"gflops", t.gflops},
                     {"share_of_peak", t.share_of_peak},
                     {"ratio_to_kernel", t.ratio_to_kernel},
                     {"extra_mebibytes", t.extra_mebibytes}});
  }
  return {{"H", size.H},
          {"T", size.T},
          {"D", size.D},
          {"window", size.window},
          {"dtype", size.type == at::kFloat ? "float32" : "bfloat16"},
          {"threads", size.threads},
          {"rounds", comparison.rounds},
          {"times", times}};
}

}  // namespace sinkwise::bench
