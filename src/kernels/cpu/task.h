#pragma once

#include <atomic>
#include <optional>
#include <span>
#include <vector>

#include "cpu/element.h"
#include "cpu/row_range.h"
#include "cpu/tiling.h"
#include "cpu/workspace.h"
#include "sinkwise/kernels/attention.h"

namespace sinkwise::kernels {

// Hands out 0, 1, ... count - 1, each once. What a task computes never depends on who runs it.
class TaskQueue {
 public:
  explicit TaskQueue(std::int64_t count) : count_(count) {}

  std::optional<std::int64_t> next() {
    const std::int64_t index = next_.fetch_add(1, std::memory_order_relaxed);
    return index < count_ ? std::optional(index) : std::nullopt;
  }

 private:
  std::int64_t count_;
  std::atomic<std::int64_t> next_{0};
};

// Row `row` of head `head`: D elements.
template <class E>
const E* row_of(const Input& input, std::int64_t b, std::int64_t head, std::int64_t row) {
  const Strides& s = input.strides;
  return static_cast<const E*>(input.data) + b * s.batch + head * s.head + row * s.row;
}
template <class E>
E* row_of(const Output& output, std::int64_t b, std::int64_t head, std::int64_t row) {
  const Strides& s = output.strides;
  return static_cast<E*>(output.data) + b * s.batch + head * s.head + row * s.row;
}

// The visible keys of every row, once for all heads; one list for all batch entries where they are
// alike.
class BatchRanges {
 public:
  explicit BatchRanges(const AttentionProblem& problem);

  const std::vector<RowRange>& of(std::int64_t b) const {
    return lists_[lists_.size() == 1 ? 0 : static_cast<std::size_t>(b)];
  }

 private:
  std::vector<std::vector<RowRange>> lists_;
};

struct ForwardTask {
  std::int64_t b = 0, h = 0;
  std::int64_t row_begin = 0, row_end = 0;
};

// The forward as independent tasks, the longest first.
class ForwardPlan {
 public:
  ForwardPlan(const AttentionProblem& problem, std::int64_t strip, std::int64_t threads);

  std::int64_t tasks() const { return heads_ * blocks_; }
  ForwardTask task(std::int64_t index) const;
  const std::vector<RowRange>& rows_of(std::int64_t b) const { return ranges_.of(b); }

  std::int64_t rows_a_task;

 private:
  BatchRanges ranges_;
  std::int64_t H_, T_, heads_, blocks_;
};

// Rows of one head that are handled together outside the tiles.
struct RowTask {
  std::int64_t b = 0, h = 0;
  std::int64_t row_begin = 0, row_end = 0;
};

// A chunk of the keys of one key head.
struct TileTask {
  std::int64_t b = 0, key_head = 0, chunk = 0;
  std::span<const std::int64_t> blocks;  // of the chunk
};

// The backward's tasks and what they leave for each other.
class BackwardPlan {
 public:
  BackwardPlan(const AttentionProblem& problem, std::int64_t threads);

  std::int64_t row_tasks() const { return B_ * H_ * row_blocks_; }
  RowTask row_task(std::int64_t index) const;
  std::int64_t chunks() const { return static_cast<std::int64_t>(chunks_.size()); }
  std::int64_t tile_tasks() const { return B_ * K_ * chunks(); }
  TileTask tile_task(std::int64_t index) const;
  const std::vector<RowRange>& rows_of(std::int64_t b) const { return ranges_.of(b); }

  float* delta() { return delta_; }  // [B, H, T]
  // [T, padded_stride(D)] float32: what the keys of one chunk add to dq of one head, unscaled. Only
  // where there are several chunks; a lone chunk finishes its dq itself.
  float* partial(std::int64_t b, std::int64_t h, std::int64_t chunk);

  double& sink_part(std::int64_t row_task) {
    return sink_parts_[static_cast<std::size_t>(row_task)];
  }
  float sink_gradient(std::int64_t h) const;  // the parts of head h, added in order

 private:
  std::int64_t B_, H_, K_, T_, row_blocks_;
  std::int64_t head_floats_;  // of one partial
  BatchRanges ranges_;
  std::vector<KeyChunk> chunks_;
  std::vector<double> sink_parts_;
  std::int64_t partial_floats_;  // of all
  Workspace memory_;
  float *delta_, *partials_;
};

// Limits run-time dispatch to the instruction set that SINKWISE_SIMD names, if it is set. Throws
// BadArgument when the processor or this build lacks it.
void use_instruction_set_of_environment();

// Whether the instruction set in use multiplies bfloat16 pairs, beyond what its vectors show.
bool bfloat16_dot_products();

}  // namespace sinkwise::kernels
