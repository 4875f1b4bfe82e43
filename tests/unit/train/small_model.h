#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sinkwise/models/decoder/decoder.h"
#include "sinkwise/train/batch.h"
#include "sinkwise/train/optimizer.h"
#include "unit/nn/tensors.h"

namespace sinkwise::test {

inline constexpr std::int64_t kVocabulary = 11, kLength = 8;

inline models::DecoderConfig small_config(nn::Mechanism mechanism) {
  models::DecoderConfig config;
  config.vocabulary = kVocabulary;
  config.context_length = kLength;
  config.layers = 2;
  config.mlp_hidden = 24;
  config.attention.width = 16;
  config.attention.heads = config.attention.key_heads = 4;
  config.attention.head_size = 4;
  config.attention.mechanism = mechanism;
  return config;
}

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

inline NamedTensors named_parameters(const models::Decoder& model) {
  NamedTensors parameters;
  for (const auto& item : model.named_parameters())
    parameters.emplace_back(item.key(), item.value());
  return parameters;
}

// Model and optimiser with weights that depend on nothing but the arguments.
struct Trainee {
  explicit Trainee(const models::DecoderConfig& config, const train::AdamWConfig& adam = {})
      : model(std::make_shared<models::Decoder>(config)),
        optimizer(named_parameters(*model), adam) {
    randomise(*model, 3, 0.4);
  }

  // Everything that a step may change.
  std::vector<at::Tensor> state() const {
    std::vector<at::Tensor> tensors = snapshot(*model);
    for (const auto& [name, tensor] : optimizer.named_state()) tensors.push_back(tensor.clone());
    tensors.push_back(at::tensor(optimizer.steps()));
    return tensors;
  }

  std::shared_ptr<models::Decoder> model;
  train::AdamW optimizer;
};

// Rows [first, first + rows) of one fixed batch; every fifth position is not asked for.
inline train::TensorBatch batch_rows(std::int64_t first, std::int64_t rows) {
  train::TensorBatch batch;
  batch.input.tokens = random_tokens({64, kLength}, kVocabulary, 21).narrow(0, first, rows);
  at::Tensor targets = random_tokens({64, kLength}, kVocabulary, 22);
  targets.view(-1).slice(0, 0, targets.numel(), 5).fill_(data::Batch::kIgnore);
  batch.targets = targets.narrow(0, first, rows).contiguous();
  batch.asked = (batch.targets != data::Batch::kIgnore).sum().item<std::int64_t>();
  return batch;
}

// The first `rows` rows cut into micro-batches of `micro`.
inline std::vector<train::TensorBatch> cut(std::int64_t rows, std::int64_t micro) {
  std::vector<train::TensorBatch> batches;
  for (std::int64_t first = 0; first < rows; first += micro) {
    batches.push_back(batch_rows(first, std::min(micro, rows - first)));
  }
  return batches;
}

}  // namespace sinkwise::test
