#pragma once

#include <cstdint>
#include <vector>

#include "sinkwise/checkpoint/run_directory.h"
#include "sinkwise/models/language_model.h"
#include "sinkwise/train/optimizer.h"

namespace sinkwise::train {

// What a resumed run needs beside weights and optimiser moments; the order of samples is a function
// of (seed, step), so there is no sampler or generator state.
struct TrainState {
  std::int64_t step = 0;                  // completed steps, skipped ones included
  std::int64_t optimizer_steps = 0;       // completed updates
  std::int64_t skipped = 0;               // non-finite steps so far
  std::int64_t bad_in_row = 0;            // of which at the end without a good one
  std::vector<std::vector<bool>> routed;  // [L][H] frozen choice; empty when recomputed
};

// model.safetensors (what is trained, and buffers) and optimizer.safetensors over the tensors in
// place: nothing is copied on a CPU. The result borrows from model and optimizer, which must
// outlive it and stay unchanged meanwhile.
std::vector<checkpoint::CheckpointFile> checkpoint_files(const models::LanguageModel& model,
                                                         const AdamW& optimizer);

nlohmann::json to_json(const TrainState& state);

// Writes a checkpoint's tensors into model and optimiser and returns its state. BadFile when a
// tensor is missing, left over or of another shape, naming the file and the tensor; nothing is
// written then.
TrainState restore(const checkpoint::Checkpoint& checkpoint, models::LanguageModel& model,
                   AdamW& optimizer);

// Only the weights, for train.init_from. A gate or sink that the source lacks keeps its start
// value.
void restore_weights(const checkpoint::Checkpoint& checkpoint, models::LanguageModel& model);

}  // namespace sinkwise::train
