#include "result.h"

#include <algorithm>
#include <fstream>
#include <limits>

#include "sinkwise/build_info.h"

namespace sinkwise::train {
namespace {

using nlohmann::json;

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos)
      return line.substr(colon + 2);
  }
  return "unknown";
}

json time_json(const StepTimes& times) {
  const double median = quantile(times.milliseconds, 0.5);
  return {{"step_ms_median", median},
          {"step_ms_low", quantile(times.milliseconds, 0.25)},
          {"step_ms_high", quantile(times.milliseconds, 0.75)},
          {"tokens_per_second", 1000.0 * static_cast<double>(times.tokens_per_step) / median},
          {"wall_seconds", times.wall_seconds}};
}

}  // namespace

double quantile(std::vector<double> values, double fraction) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto index = static_cast<std::size_t>(fraction * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index),
                   values.end());
  return values[index];
}

json result_json(const LoopConfig& config, const json& flat_config, const Experiment& experiment,
                 const Evaluation& evaluation, std::int64_t skipped_steps, const StepTimes& times) {
  return {{"schema", "sinkwise.result/1"},
          {"version", kVersion},
          {"commit", kCommit},
          {"torch", kTorchVersion},
          {"device", "cpu"},
          {"dtype", config.train.precision == Precision::float32 ? "float32" : "bfloat16"},
          {"threads", config.run.threads},
          {"processor", processor_name()},
          {"task", experiment.task->name()},
          {"mechanism", experiment.mechanism},
          {"balance",
           {{"form", objectives::name(config.balance.form)},
            {"lambda", config.balance.lambda},
            {"shared_heads", config.balance.shared_heads}}},
          {"label", config.run.label},
          {"seed", config.run.seed},
          {"config", flat_config},
          {"model",
           {{"layers", experiment.model->layers()},
            {"heads", experiment.model->heads()},
            {"parameters", experiment.parameters},
            {"flops_per_token", experiment.training_flops_per_token}}},
          {"steps", config.train.steps},
          {"skipped_steps", skipped_steps},
          {"final", to_json(evaluation, true)},
          {"time", time_json(times)}};
}

}  // namespace sinkwise::train
