#include "sinkwise/train/step_bench.h"

#include <nlohmann/json.hpp>

#include "result.h"
#include "session.h"
#include "sinkwise/core/clock.h"

namespace sinkwise::train {
namespace {

// A run in memory whose steps are timed one by one. No gates are observed but for the objective: a
// logged step would hide what the balance loss itself costs.
class TimedRun {
 public:
  TimedRun(const LoopConfig& config, Experiment experiment)
      : config_(config), session_(config_, std::move(experiment)) {
    const bool balanced = config_.balance.form != objectives::BalanceForm::none;
    if (balanced) routed_ = session_.calibrate();
  }

  double step() {
    const auto begin = Clock::now();
    session_.step(++step_, routed_, /*observe=*/false);
    return 1000.0 * seconds_since(begin);
  }

 private:
  LoopConfig config_;
  Session session_;
  at::Tensor routed_;
  std::int64_t step_ = 0;
};

constexpr std::int64_t kWarmup = 5;

}  // namespace

std::vector<double> time_steps(const RunConfig& config, std::int64_t warmup, std::int64_t steps) {
  TimedRun run(config, from_scratch(config));
  for (std::int64_t n = 0; n < warmup; ++n) run.step();
  std::vector<double> times;
  for (std::int64_t n = 0; n < steps; ++n) times.push_back(run.step());
  return times;
}

Overhead time_overhead(const RunConfig& balanced, std::int64_t pairs) {
  RunConfig base = balanced;
  base.balance.form = objectives::BalanceForm::none;
  return time_overhead(balanced, from_scratch(balanced), from_scratch(base), balanced.task.name,
                       pairs);
}

Overhead time_overhead(const LoopConfig& balanced, Experiment with_balance,
                       Experiment without_balance, const std::string& task, std::int64_t pairs) {
  LoopConfig base = balanced;
  base.balance.form = objectives::BalanceForm::none;
  const std::string mechanism = with_balance.mechanism;
  TimedRun with(balanced, std::move(with_balance)), without(base, std::move(without_balance));
  std::vector<double> with_ms, without_ms, ratios;
  for (std::int64_t n = -kWarmup; n < pairs; ++n) {
    // Who goes first alternates, so that neither always inherits the other's warm cache.
    const bool base_first = n % 2 == 0;
    double base_time = base_first ? without.step() : 0.0;
    const double balanced_time = with.step();
    if (!base_first) base_time = without.step();
    if (n < 0) continue;
    with_ms.push_back(balanced_time);
    without_ms.push_back(base_time);
    ratios.push_back(balanced_time / base_time);
  }
  return {task,
          mechanism,
          quantile(without_ms, 0.5),
          quantile(with_ms, 0.5),
          quantile(ratios, 0.5),
          quantile(ratios, 0.25),
          quantile(ratios, 0.75),
          pairs};
}

nlohmann::json to_json(const Overhead& o) {
  return {{"task", o.task},       {"mechanism", o.mechanism},
          {"base_ms", o.base_ms}, {"balanced_ms", o.balanced_ms},
          {"ratio", o.ratio},     {"quartiles", {o.ratio_low, o.ratio_high}},
          {"pairs", o.pairs}};
}

}  // namespace sinkwise::train
