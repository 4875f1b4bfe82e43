#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sinkwise::data {

// What a model reads and what it is asked for, as plain vectors (this room knows no Torch).
// B rows of T positions, row-major. A task fills either tokens and targets, or features and
// regression.
struct Batch {
  std::int64_t rows = 0;                     // B
  std::int64_t length = 0;                   // T
  std::vector<std::int32_t> tokens;          // [B, T] token ids
  std::vector<std::int32_t> targets;         // [B, T] next ids; kIgnore where nothing is asked
  std::vector<std::int32_t> document_start;  // [B, T] index of the first token of the row's
                                             // document; empty when every row is one document
  std::vector<float> features;               // [B, T, F] inputs of a task without a vocabulary
  std::vector<float> regression;             // [B, T, F] its targets
  std::vector<std::uint8_t> group;           // [B, T] index into Task::groups(); kNoGroup: left out
  std::vector<float> oracle;                 // [B, T] loss of the best possible predictor in nats;
                                             // empty when the task knows none

  static constexpr std::int32_t kIgnore = -100;
  static constexpr std::uint8_t kNoGroup = 255;
};

// A source of batches. Thread-compatible and stateless: batches depend on nothing but the
// arguments.
class Task {
 public:
  virtual ~Task() = default;

  virtual std::string name() const = 0;

  // Vocabulary size V, or 0 for a task of features with feature_size() > 0.
  virtual std::int64_t vocabulary() const = 0;
  virtual std::int64_t feature_size() const { return 0; }

  // T of every batch.
  virtual std::int64_t length() const = 0;

  // Rows [first_row, first_row + rows) of the batch of `step`: a pure function of the task's seed,
  // the step and the row, whatever the split into micro-batches.
  virtual Batch train_batch(std::int64_t step, std::int64_t first_row, std::int64_t rows) const = 0;

  // The same held-out rows for every arm and seed of an experiment.
  virtual std::int64_t validation_rows() const = 0;
  virtual Batch validation_batch(std::int64_t first_row, std::int64_t rows) const = 0;

  // Names of the position groups whose loss is reported apart, such as "bigram" and "backcopy".
  virtual std::vector<std::string> groups() const { return {}; }

  // Bytes of text behind one target token, for bits per byte; 0 when the task is not text.
  virtual double bytes_per_token() const { return 0.0; }

  // A hash of everything that the batches depend on: a resumed run must find the same.
  virtual std::uint64_t fingerprint() const = 0;
};

}  // namespace sinkwise::data
