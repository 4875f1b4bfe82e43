#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "sinkwise/checkpoint/event_log.h"
#include "sinkwise/checkpoint/json_log.h"
#include "sinkwise/train/evaluate.h"
#include "sinkwise/train/listener.h"
#include "sinkwise/train/step.h"

namespace sinkwise::train {

// The three logs of a run directory: log.jsonl (a function of the recipe alone, so that a resumed
// run writes the same bytes), timing.jsonl (what depends on the clock) and TensorBoard events.
class RunLog {
 public:
  // Goes on after `step`: later lines of an interrupted run are dropped.
  RunLog(const std::filesystem::path& directory, std::int64_t step, bool tensorboard);

  void train_line(std::int64_t step, const StepReport& report, double learning_rate);
  // `extra` is an object whose members go along.
  void validation_line(std::int64_t step, const Evaluation& evaluation,
                       const nlohmann::json& extra);
  void timing_line(std::int64_t step, std::int64_t steps, double milliseconds,
                   double tokens_per_second);

 private:
  void scalars(const char* prefix, std::int64_t step, const nlohmann::json& line);

  checkpoint::JsonLog log_, timing_;
  std::unique_ptr<checkpoint::EventLog> events_;
};

// What a step line holds (docs/run_directory.md).
nlohmann::json train_record(std::int64_t step, const StepReport& report, double learning_rate);

}  // namespace sinkwise::train
