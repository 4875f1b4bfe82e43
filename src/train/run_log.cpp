#include "run_log.h"

#include <cmath>

#include "sinkwise/objectives/head_balance.h"

namespace sinkwise::train {

using nlohmann::json;

RunLog::RunLog(const std::filesystem::path& directory, std::int64_t step, bool tensorboard)
    : log_(directory / "log.jsonl"), timing_(directory / "timing.jsonl") {
  log_.truncate_after(step);
  timing_.truncate_after(step);
  if (tensorboard) {
    events_ = std::make_unique<checkpoint::EventLog>(directory / "tensorboard", step + 1);
  }
}

void RunLog::train_line(std::int64_t step, const StepReport& report, double learning_rate) {
  const json line = train_record(step, report, learning_rate);
  log_.append(line);
  scalars("train/", step, line);
}

void RunLog::validation_line(std::int64_t step, const Evaluation& evaluation, const json& extra) {
  json line = to_json(evaluation, false);
  line.update(extra);
  line["step"] = step;
  line["kind"] = "validation";
  log_.append(line);
  scalars("validation/", step, line);
}

void RunLog::timing_line(std::int64_t step, std::int64_t steps, double milliseconds,
                         double tokens_per_second) {
  timing_.append({{"step", step},
                  {"steps", steps},
                  {"step_ms", milliseconds},
                  {"tokens_per_second", tokens_per_second}});
}

void RunLog::scalars(const char* prefix, std::int64_t step, const json& line) {
  if (!events_) return;
  for (const auto& [key, value] : line.items()) {
    if (!value.is_number() || key == "step") continue;
    const auto number = value.get<double>();  // not finite: null in log.jsonl, no point here
    if (std::isfinite(number)) events_->scalar(prefix + key, number, step);
  }
}

json train_record(std::int64_t step, const StepReport& report, double learning_rate) {
  json line = {{"step", step},
               {"kind", "train"},
               {"loss", report.loss},
               {"balance", report.balance},
               {"gradient_norm", report.gradient_norm},
               {"learning_rate", learning_rate}};
  if (report.skipped) line["skipped"] = true;
  if (report.importance.defined()) {
    const auto gates = objectives::statistics(report.importance);
    line["cv"] = gates.mean_cv;
    line["cv_layers"] = gates.cv;
    line["mean_gate"] = gates.mean_gate;
    line["min_gate"] = gates.min_gate;
    line["max_gate"] = gates.max_gate;
    line["effective_heads"] = gates.effective_heads;
  }
  return line;
}

}  // namespace sinkwise::train
