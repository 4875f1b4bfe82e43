#include "cpu/task.h"

#include <algorithm>

#include "cpu/tiling.h"

namespace sinkwise::kernels {

BatchRanges::BatchRanges(const AttentionProblem& problem) {
  const std::int64_t lists = problem.document_start == nullptr ? 1 : problem.B;
  for (std::int64_t b = 0; b < lists; ++b) lists_.push_back(row_ranges(problem, b));
}

ForwardPlan::ForwardPlan(const AttentionProblem& problem, std::int64_t strip, std::int64_t threads)
    : rows_a_task(forward_rows(problem, strip, threads)),
      ranges_(problem),
      H_(problem.H),
      T_(problem.T),
      heads_(problem.B * problem.H),
      blocks_((problem.T + rows_a_task - 1) / rows_a_task) {}

ForwardTask ForwardPlan::task(std::int64_t index) const {
  // Under causal order the last rows see the most keys; heads turn fastest.
  const std::int64_t block = blocks_ - 1 - index / heads_, head = index % heads_;
  const std::int64_t begin = block * rows_a_task;
  return {head / H_, head % H_, begin, std::min(begin + rows_a_task, T_)};
}

namespace {

constexpr std::int64_t kRowsInTask = 512;

std::size_t workspace_floats(std::int64_t rows, std::int64_t partial_floats) {
  return Workspace::rounded(static_cast<std::size_t>(rows)) +
         Workspace::rounded(static_cast<std::size_t>(partial_floats));
}

}  // namespace

BackwardPlan::BackwardPlan(const AttentionProblem& p, std::int64_t threads)
    : B_(p.B),
      H_(p.H),
      K_(p.K),
      T_(p.T),
      row_blocks_((p.T + kRowsInTask - 1) / kRowsInTask),
      head_floats_(p.T * padded_stride(p.D)),
      ranges_(p),
      chunks_(backward_chunks(p, threads)),
      sink_parts_(static_cast<std::size_t>(row_tasks())),
      partial_floats_(chunks() > 1 ? B_ * H_ * chunks() * head_floats_ : 0),
      memory_(workspace_floats(B_ * H_ * T_, partial_floats_)),
      delta_(memory_.take(static_cast<std::size_t>(B_ * H_ * T_))),
      partials_(memory_.take(static_cast<std::size_t>(partial_floats_))) {}

RowTask BackwardPlan::row_task(std::int64_t index) const {
  const std::int64_t head = index / row_blocks_, begin = index % row_blocks_ * kRowsInTask;
  return {head / H_, head % H_, begin, std::min(begin + kRowsInTask, T_)};
}

TileTask BackwardPlan::tile_task(std::int64_t index) const {
  const std::int64_t head = index / chunks(), chunk = index % chunks();
  return {head / K_, head % K_, chunk, chunks_[static_cast<std::size_t>(chunk)]};
}

float* BackwardPlan::partial(std::int64_t b, std::int64_t h, std::int64_t chunk) {
  return partials_ + ((b * H_ + h) * chunks() + chunk) * head_floats_;
}

float BackwardPlan::sink_gradient(std::int64_t h) const {
  double sum = 0.0;
  for (std::int64_t b = 0; b < B_; ++b) {
    for (std::int64_t block = 0; block < row_blocks_; ++block) {
      sum += sink_parts_[static_cast<std::size_t>((b * H_ + h) * row_blocks_ + block)];
    }
  }
  return static_cast<float>(sum);
}

}  // namespace sinkwise::kernels
