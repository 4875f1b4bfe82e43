#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/backward.cpp"
#include "cpu/foreach_instruction_set.h"

#include <algorithm>
#include <numbers>
#include <vector>

#include "cpu/backward_scratch-inl.h"
#include "cpu/pack-inl.h"
#include "cpu/pack_pairs-inl.h"
#include "cpu/row_terms-inl.h"
#include "cpu/task.h"
#include "cpu/tile-inl.h"
#include "cpu/tiling.h"

// The backward, three rounds of independent tasks:
//   rows    delta_i, and each row's part of the sink's gradient
//   tiles   for one (batch, key head) and a chunk of its keys: block of keys by block of keys,
//           every query block that sees it; dk and dv are sums of one task, dq a sum over chunks
//   chunks  dq from the chunks, in their order

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {

// E: of the tensors; X: what the blocks of the products are made of, float or Pair (operand.h).

std::size_t whole_vectors(std::size_t D) { return (D + kLanes - 1) / kLanes * kLanes; }

// Scale and log2(e) ride on the packed keys where they are float32 anyway; bfloat16 keys stay as
// they are, and the scores are multiplied.
template <class E>
void pack_lanes(const E* from, std::int64_t from_stride, std::size_t rows, std::size_t D,
                float factor, float* to) {
  pack_transposed(from, from_stride, rows, D, factor, to);
}
#if SINKWISE_HAS_PAIRS
void pack_lanes(const BFloat16* from, std::int64_t from_stride, std::size_t rows, std::size_t D,
                float /*factor*/, Pair* to) {
  pack_transposed(from, from_stride, rows, D, to);
}
#endif

template <class E, class X>
void load_keys(const AttentionProblem& p, std::int64_t b, std::int64_t key_head, KeyBlock<X>& k) {
  const auto D = static_cast<std::size_t>(p.D), count = static_cast<std::size_t>(k.end - k.begin);
  const E* key = row_of<E>(p.key, b, key_head, k.begin);
  k.key_finite =
      pack_along_rows(key, p.key.strides.row, count, D, whole_vectors(D), k.key, k.stride);
  k.score_factor = p.scale * std::numbers::log2e_v<float>;
  for (std::size_t strip = 0; strip * kStrip < count; ++strip) {
    const auto first = k.begin + static_cast<std::int64_t>(strip * kStrip);
    const std::size_t lanes = std::min(kStrip, count - strip * kStrip);
    const std::size_t at = strip * kStrip * units<X>(D);
    pack_lanes(row_of<E>(p.key, b, key_head, first), p.key.strides.row, lanes, D, k.score_factor,
               k.key_lanes + at);
    pack_lanes(row_of<E>(p.value, b, key_head, first), p.value.strides.row, lanes, D, 1.0F,
               k.value_lanes + at);
  }
  std::fill_n(k.grad_key, count * k.stride, 0.0F);
  std::fill_n(k.grad_value, count * k.stride, 0.0F);
}

// `count` rows from `row` of one head, packed once a way. Returns whether all are finite.
template <class X, class E>
bool load_rows(const Input& input, std::int64_t b, std::int64_t h, std::int64_t row,
               std::size_t count, std::size_t D, X* steps, std::size_t stride, X* rows,
               std::size_t row_stride) {
  if (input.data == nullptr) {
    std::fill_n(steps, units<X>(count) * stride, X{});
    std::fill_n(rows, count * row_stride, X{});
    return true;
  }
  const E* from = row_of<E>(input, b, h, row);
  if constexpr (kSteps < X >> 1) {
    pack_along_columns(from, input.strides.row, count, D, rows, row_stride);
  }
  return pack_along_rows(from, input.strides.row, count, D, whole_vectors(D), steps, stride);
}

// Whether some row of the query block at `row` sees a key of [begin, end).
bool block_sees(const std::vector<RowRange>& ranges, std::int64_t row, std::int64_t count,
                std::int64_t begin, std::int64_t end) {
  const GroupRange seen = group_range(ranges.data() + row, count);
  return seen.begin < end && seen.end > begin;
}

// The query blocks of the g-th head of the group that see any key from the task's first to its
// last.
template <class E, class X>
void load_queries(const AttentionProblem& p, const Upstream& upstream, const TileTask& task,
                  std::int64_t g, const std::vector<RowRange>& ranges,
                  BackwardScratch<X>& scratch) {
  const std::int64_t block = kKeyBlock, h = task.key_head * (p.H / p.K) + g;
  const auto D = static_cast<std::size_t>(p.D);
  const std::int64_t begin = task.blocks.empty() ? 0 : task.blocks.front();
  const std::int64_t end = task.blocks.empty() ? 0 : std::min(task.blocks.back() + block, p.S);
  const QueryRows<X>& to = scratch.rows;
  for (std::int64_t row = 0; row < p.T; row += block) {
    const std::int64_t count = std::min(block, p.T - row);
    bool finite = true;
    if (block_sees(ranges, row, count, begin, end)) {
      const std::size_t at = to.at(g, row), rows_at = to.rows_at(g, row);
      const auto rows = static_cast<std::size_t>(count);
      finite = load_rows<X, E>(p.query, task.b, h, row, rows, D, to.query + at, to.stride,
                               to.query_rows + rows_at, to.row_stride);
      finite = load_rows<X, E>(upstream.out, task.b, h, row, rows, D, to.grad_out + at, to.stride,
                               to.grad_out_rows + rows_at, to.row_stride) &&
               finite;
    }
    scratch.finite.push_back(finite);
  }
}

// All query blocks of the g-th head of the group against the keys that are loaded. grad_query
// [T, stride].
template <class X>
void meet_queries(const AttentionProblem& p, const SavedForward& saved, const Upstream& upstream,
                  std::int64_t b, std::int64_t h, std::int64_t g,
                  const std::vector<RowRange>& ranges, const float* delta, float* grad_query,
                  BackwardScratch<X>& scratch) {
  const std::int64_t block = kKeyBlock, head = (b * p.H + h) * p.T;
  const bool gate_term = p.gate == Gate::first_key && upstream.gate != nullptr;
  const KeyBlock<X>& k = scratch.keys;
  const QueryRows<X>& from = scratch.rows;
  QueryBlock<X>& q = scratch.queries;
  const char* finite = scratch.finite.data() + g * ((p.T + block - 1) / block);
  for (std::int64_t row = 0; row < p.T; row += block, ++finite) {
    const std::int64_t count = std::min(block, p.T - row);
    if (!block_sees(ranges, row, count, k.begin, k.end)) continue;
    q.count = static_cast<std::size_t>(count);
    q.range = ranges.data() + row;
    q.query = from.query + from.at(g, row);
    q.grad_out = from.grad_out + from.at(g, row);
    q.query_rows = from.query_rows + from.rows_at(g, row);
    q.grad_out_rows = from.grad_out_rows + from.rows_at(g, row);
    q.finite = *finite != 0;
    q.lse = saved.lse + head + row;
    q.delta = delta + head + row;
    q.grad_gate = gate_term ? upstream.gate + head + row : nullptr;
    q.grad_query = grad_query + static_cast<std::size_t>(row) * q.stride;
    backward_tile(k, q, static_cast<std::size_t>(p.D), scratch.groups.data(), scratch.tile);
  }
}

template <class E, class X>
void backward_chunk(const AttentionProblem& p, const SavedForward& saved, const Upstream& upstream,
                    const Gradients& gradients, BackwardPlan& plan, const TileTask& task,
                    BackwardScratch<X>& scratch) {
  const std::int64_t group = p.H / p.K;
  const auto D = static_cast<std::size_t>(p.D), T = static_cast<std::size_t>(p.T);
  KeyBlock<X>& k = scratch.keys;
  const auto grad_query = [&](std::int64_t g) {
    return plan.chunks() == 1 ? scratch.grad_query + static_cast<std::size_t>(g) * T * k.stride
                              : plan.partial(task.b, task.key_head * group + g, task.chunk);
  };
  scratch.finite.clear();
  for (std::int64_t g = 0; g < group; ++g) {
    std::fill_n(grad_query(g), T * k.stride, 0.0F);
    load_queries<E>(p, upstream, task, g, plan.rows_of(task.b), scratch);
  }
  for (const std::int64_t begin : task.blocks) {
    k.begin = static_cast<std::int32_t>(begin);
    k.end = static_cast<std::int32_t>(std::min(begin + kKeyBlock, p.S));
    load_keys<E>(p, task.b, task.key_head, k);
    for (std::int64_t g = 0; g < group; ++g) {
      meet_queries(p, saved, upstream, task.b, task.key_head * group + g, g, plan.rows_of(task.b),
                   plan.delta(), grad_query(g), scratch);
    }
    const auto count = static_cast<std::size_t>(k.end - k.begin);
    unpack_rows(k.grad_key, k.stride, count, D, p.scale,
                row_of<E>(gradients.key, task.b, task.key_head, begin), gradients.key.strides.row);
    unpack_rows(k.grad_value, k.stride, count, D, 1.0F,
                row_of<E>(gradients.value, task.b, task.key_head, begin),
                gradients.value.strides.row);
  }
  if (plan.chunks() > 1) return;
  for (std::int64_t g = 0; g < group; ++g) {
    unpack_rows(grad_query(g), k.stride, T, D, p.scale,
                row_of<E>(gradients.query, task.b, task.key_head * group + g, 0),
                gradients.query.strides.row);
  }
}

// dq of rows [row_begin, row_end) of one head: the chunks' sums, added in order, to the tensor.
template <class E>
void finish_grad_query(const AttentionProblem& p, const Gradients& gradients, BackwardPlan& plan,
                       const RowTask& task) {
  const auto stride = static_cast<std::size_t>(padded_stride(p.D));
  const auto D = static_cast<std::size_t>(p.D);
  const auto at = static_cast<std::size_t>(task.row_begin) * stride;
  const auto rows = static_cast<std::size_t>(task.row_end - task.row_begin);
  E* target = row_of<E>(gradients.query, task.b, task.h, task.row_begin);
  float* total = plan.partial(task.b, task.h, 0) + at;
  for (std::int64_t chunk = 1; chunk < plan.chunks(); ++chunk) {
    const float* part = plan.partial(task.b, task.h, chunk) + at;
    for (std::size_t i = 0; i < rows * stride; i += kLanes) {
      store(hn::Add(load(total + i), load(part + i)), total + i);
    }
  }
  unpack_rows(total, stride, rows, D, p.scale, target, gradients.query.strides.row);
}

void row_worker(const AttentionProblem& p, const SavedForward& saved, const Upstream& upstream,
                BackwardPlan& plan, TaskQueue& queue) {
  while (const auto index = queue.next()) {
    const RowTask task = plan.row_task(*index);
    const std::vector<RowRange>& ranges = plan.rows_of(task.b);
    plan.sink_part(*index) =
        p.element == Element::float32
            ? row_terms<float>(p, saved, upstream, task, ranges, plan.delta())
            : row_terms<BFloat16>(p, saved, upstream, task, ranges, plan.delta());
  }
}

template <class X, class E>
void backward_chunks_of(const AttentionProblem& p, const SavedForward& saved,
                        const Upstream& upstream, const Gradients& gradients, BackwardPlan& plan,
                        TaskQueue& queue) {
  const auto heads = static_cast<std::size_t>(p.H / p.K), T = static_cast<std::size_t>(p.T);
  BackwardScratch<X> scratch(static_cast<std::size_t>(p.D), heads, T,
                             plan.chunks() == 1 ? heads * T : 0);
  while (const auto index = queue.next()) {
    backward_chunk<E>(p, saved, upstream, gradients, plan, plan.tile_task(*index), scratch);
  }
}

void tile_worker(const AttentionProblem& p, const SavedForward& saved, const Upstream& upstream,
                 const Gradients& gradients, BackwardPlan& plan, TaskQueue& queue) {
  if (p.element == Element::float32) {
    backward_chunks_of<float, float>(p, saved, upstream, gradients, plan, queue);
#if SINKWISE_HAS_PAIRS
  } else if (bfloat16_dot_products()) {
    backward_chunks_of<Pair, BFloat16>(p, saved, upstream, gradients, plan, queue);
#endif
  } else {
    backward_chunks_of<float, BFloat16>(p, saved, upstream, gradients, plan, queue);
  }
}

void chunk_worker(const AttentionProblem& p, const Gradients& gradients, BackwardPlan& plan,
                  TaskQueue& queue) {
  while (const auto index = queue.next()) {
    const RowTask task = plan.row_task(*index);
    if (p.element == Element::float32) {
      finish_grad_query<float>(p, gradients, plan, task);
    } else {
      finish_grad_query<BFloat16>(p, gradients, plan, task);
    }
  }
}

}  // namespace sinkwise::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sinkwise::kernels {

HWY_EXPORT(row_worker);
HWY_EXPORT(tile_worker);
HWY_EXPORT(chunk_worker);

namespace {

// `work` on as many threads as there are tasks, each drawing tasks until none is left.
template <class Work>
void run_tasks(const Executor& executor, std::int64_t tasks, const Work& work) {
  TaskQueue queue(tasks);
  executor.run(std::min(executor.threads, tasks), [&](std::int64_t) { work(queue); });
}

}  // namespace

void attention_backward(const AttentionProblem& problem, const SavedForward& saved,
                        const Upstream& upstream, const Gradients& gradients,
                        const Executor& executor) {
  use_instruction_set_of_environment();
  BackwardPlan plan(problem, executor.threads);
  run_tasks(executor, plan.row_tasks(), [&](TaskQueue& queue) {
    HWY_DYNAMIC_DISPATCH(row_worker)(problem, saved, upstream, plan, queue);
  });
  run_tasks(executor, plan.tile_tasks(), [&](TaskQueue& queue) {
    HWY_DYNAMIC_DISPATCH(tile_worker)(problem, saved, upstream, gradients, plan, queue);
  });
  if (plan.chunks() > 1) {
    run_tasks(executor, plan.row_tasks(), [&](TaskQueue& queue) {
      HWY_DYNAMIC_DISPATCH(chunk_worker)(problem, gradients, plan, queue);
    });
  }
  if (gradients.sink == nullptr) return;
  for (std::int64_t h = 0; h < problem.H; ++h) gradients.sink[h] = plan.sink_gradient(h);
}

}  // namespace sinkwise::kernels
#endif
