#pragma once

#include <torch/torch.h>

#include "sinkwise/data/task.h"
#include "sinkwise/models/language_model.h"

namespace sinkwise::train {

// A data::Batch as tensors on a device.
struct TensorBatch {
  models::DecoderInput input;
  at::Tensor targets;     // [B, T] int64, data::Batch::kIgnore where nothing is asked; or undefined
  at::Tensor regression;  // [B, T, F] targets of a task without a vocabulary; or undefined
  at::Tensor group;       // [B, T] uint8; undefined when the task has no groups
  at::Tensor oracle;      // [B, T] float32 loss of the best predictor; undefined when unknown
  std::int64_t asked = 0;  // positions with a target
};

TensorBatch to_tensors(const data::Batch& batch, std::int64_t feature_size, at::Device device);

// Loss of each position [B, T] float32: cross entropy in nats, or for features the squared error
// summed over F (0 where nothing is asked).
at::Tensor position_losses(const models::DecoderOutput& output, const TensorBatch& batch);

// Its sum over the batch, as the training step needs it.
at::Tensor summed_loss(const models::DecoderOutput& output, const TensorBatch& batch);

}  // namespace sinkwise::train
