#pragma once

#include <atomic>
#include <memory>

#include "sinkwise/checkpoint/run_directory.h"
#include "sinkwise/config/table.h"
#include "sinkwise/models/decoder/config.h"
#include "sinkwise/train/experiment.h"
#include "sinkwise/train/listener.h"
#include "sinkwise/train/run_config.h"

namespace sinkwise::train {

enum class Outcome {
  finished,          // all steps done, result.json written
  already_finished,  // it was finished before; nothing was changed
  interrupted,       // asked to stop: the last completed step is saved
};

// Makes this process the owner of config.run.directory for as long as the object lives: through
// the run and whatever else its caller writes there. LockedError when another process owns it.
checkpoint::RunDirectory own_directory(const LoopConfig& config, const config::Table& table,
                                       const Experiment& experiment);

// Runs an experiment to its end in its own_directory(), going on from the newest intact checkpoint
// there. `table` is the one that wrote `config`: the run directory keeps its values and origins.
// `stop` may be set by a signal handler; the step at hand is finished and saved.
//
// Same recipe, same thread count: the weights, the optimiser state and log.jsonl have the same bits
// whether or not the run was stopped in between.
//
// Throws ConfigProblems (the directory belongs to another recipe), NumericsError
// (train.bad_steps_in_row non-finite steps in a row; nothing of them is saved), BadFile (also when
// the directory holds checkpoints and every one of them is damaged) and ResourceError.
Outcome run(const LoopConfig& config, const config::Table& table, Experiment experiment,
            checkpoint::RunDirectory& directory, Listener& listener, const std::atomic<bool>& stop);

// What a run would need, found by building it and doing one step in memory.
struct Plan {
  models::DecoderConfig model;
  models::ModelCost cost;
  std::int64_t tokens_per_step = 0, steps = 0;
  std::uint64_t checkpoint_bytes = 0, disk_needed = 0, disk_free = 0;
  std::uint64_t peak_memory = 0;  // of this process after the step
  double first_step_seconds = 0.0, first_loss = 0.0;
};
Plan dry_run(const RunConfig& config);

// Threads, determinism, memory: process-wide settings of Torch and the C library that a run needs.
void configure_process(const LoopConfig& config);

}  // namespace sinkwise::train
