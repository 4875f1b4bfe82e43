#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/backward.cpp"
#include "cpu/foreach_instruction_set.h"

#include <algorithm>
#include <numbers>
#include <vector>

#include "cpu/pack-inl.h"
#include "cpu/row_terms-inl.h"
#include "cpu/task.h"
#include "cpu/tile-inl.h"
#include "cpu/tiling.h"

// The backward, three rounds of independent tasks:
//   rows    delta_i, and each row's part of the sink's gradient
//   tiles   for one (batch, key head) and a chunk of its keys: block of keys by block of keys,
//   every
//           query block that sees it; dk and dv are sums of one task, dq a sum over chunks
//   chunks  dq from the chunks, in their order

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {

struct BackwardScratch {
  Workspace memory;
  KeyBlock keys;
  QueryBlock queries;
  TileScores tile;
  // Rows of all heads of a group, [heads, T, stride]. Packed once: every block of keys reads them.
  float *query, *grad_out;
  float* grad_query;         // where one task owns them; the plan holds them otherwise
  std::vector<char> finite;  // of each query block
  std::vector<GroupRange> groups;

  // rows: T times the heads of a group; own_rows: those of grad_query, 0 where it lies in the plan.
  BackwardScratch(std::size_t block, std::size_t D, std::size_t rows, std::size_t own_rows)
      : memory(size(block, D) + 2 * Workspace::rounded(rows * row_stride(D)) +
               Workspace::rounded(own_rows * row_stride(D))),
        groups((block + kRows - 1) / kRows) {
    const std::size_t stride = row_stride(D), lanes = lane_floats(block, D);
    keys.stride = queries.stride = stride;
    keys.key = memory.take(block * stride);
    keys.grad_key = memory.take(block * stride);
    keys.grad_value = memory.take(block * stride);
    keys.key_lanes = memory.take(lanes);
    keys.value_lanes = memory.take(lanes);
    tile.stride = tile_stride(block);
    tile.weight = memory.take(block * tile.stride);
    tile.grad_score = memory.take(block * tile.stride);
    query = memory.take(rows * stride);
    grad_out = memory.take(rows * stride);
    grad_query = memory.take(own_rows * stride);
  }

  static std::size_t row_stride(std::size_t columns) {
    return static_cast<std::size_t>(padded_stride(static_cast<std::int64_t>(columns)));
  }
  // Whole strips are written, also where the last one reaches past the block (48 keys, strips of
  // 32).
  static std::size_t strip_lanes(std::size_t block) {
    return (block + kStrip - 1) / kStrip * kStrip;
  }
  static std::size_t tile_stride(std::size_t block) { return row_stride(strip_lanes(block)); }
  static std::size_t lane_floats(std::size_t block, std::size_t D) {
    return strip_lanes(block) * D;
  }
  static std::size_t size(std::size_t block, std::size_t D) {
    return 3 * Workspace::rounded(block * row_stride(D)) +
           2 * Workspace::rounded(lane_floats(block, D)) +
           2 * Workspace::rounded(block * tile_stride(block));
  }
};

std::size_t whole_vectors(std::size_t D) { return (D + kLanes - 1) / kLanes * kLanes; }

template <class E>
void load_keys(const AttentionProblem& p, std::int64_t b, std::int64_t key_head, KeyBlock& k) {
  const auto D = static_cast<std::size_t>(p.D), count = static_cast<std::size_t>(k.end - k.begin);
  const E* key = row_of<E>(p.key, b, key_head, k.begin);
  k.key_finite = pack_rows(key, p.key.strides.row, count, D, whole_vectors(D), k.key, k.stride);
  for (std::size_t strip = 0; strip * kStrip < count; ++strip) {
    const auto first = k.begin + static_cast<std::int64_t>(strip * kStrip);
    const std::size_t lanes = std::min(kStrip, count - strip * kStrip);
    pack_transposed(row_of<E>(p.key, b, key_head, first), p.key.strides.row, lanes, D,
                    p.scale * std::numbers::log2e_v<float>, k.key_lanes + strip * D * kStrip);
    pack_transposed(row_of<E>(p.value, b, key_head, first), p.value.strides.row, lanes, D, 1.0F,
                    k.value_lanes + strip * D * kStrip);
  }
  std::fill_n(k.grad_key, count * k.stride, 0.0F);
  std::fill_n(k.grad_value, count * k.stride, 0.0F);
}

// Rows [row, row + count) of one head, to query and grad_out [count, stride]. Returns whether all
// are finite.
template <class E>
bool load_rows(const AttentionProblem& p, const Upstream& upstream, std::int64_t b, std::int64_t h,
               std::int64_t row, std::size_t count, std::size_t stride, float* query,
               float* grad_out) {
  const auto D = static_cast<std::size_t>(p.D);
  const bool finite = pack_rows(row_of<E>(p.query, b, h, row), p.query.strides.row, count, D,
                                whole_vectors(D), query, stride);
  if (upstream.out.data == nullptr) {
    std::fill_n(grad_out, count * stride, 0.0F);
    return finite;
  }
  return pack_rows(row_of<E>(upstream.out, b, h, row), upstream.out.strides.row, count, D,
                   whole_vectors(D), grad_out, stride) &&
         finite;
}

// Whether some row of the query block at `row` sees a key of [begin, end).
bool block_sees(const std::vector<RowRange>& ranges, std::int64_t row, std::int64_t count,
                std::int64_t begin, std::int64_t end) {
  const GroupRange seen = group_range(ranges.data() + row, count);
  return seen.begin < end && seen.end > begin;
}

// The query blocks of the g-th head of the group that see any key of the task.
template <class E>
void load_queries(const AttentionProblem& p, const Upstream& upstream, const TileTask& task,
                  std::int64_t g, const std::vector<RowRange>& ranges, BackwardScratch& scratch) {
  const std::int64_t block = key_block(p.D), h = task.key_head * (p.H / p.K) + g;
  const std::size_t stride = scratch.queries.stride;
  for (std::int64_t row = 0; row < p.T; row += block) {
    const std::int64_t count = std::min(block, p.T - row);
    const auto at = static_cast<std::size_t>(g * p.T + row) * stride;
    const bool needed = block_sees(ranges, row, count, task.keys.begin, task.keys.end);
    scratch.finite.push_back(!needed || load_rows<E>(p, upstream, task.b, h, row,
                                                     static_cast<std::size_t>(count), stride,
                                                     scratch.query + at, scratch.grad_out + at));
  }
}

// All query blocks of the g-th head of the group against the keys that are loaded. grad_query
// [T, stride].
void meet_queries(const AttentionProblem& p, const SavedForward& saved, const Upstream& upstream,
                  std::int64_t b, std::int64_t h, std::int64_t g,
                  const std::vector<RowRange>& ranges, const float* delta, float* grad_query,
                  BackwardScratch& scratch) {
  const std::int64_t block = key_block(p.D), head = (b * p.H + h) * p.T;
  const bool gate_term = p.gate == Gate::first_key && upstream.gate != nullptr;
  const KeyBlock& k = scratch.keys;
  QueryBlock& q = scratch.queries;
  const char* finite = scratch.finite.data() + g * ((p.T + block - 1) / block);
  for (std::int64_t row = 0; row < p.T; row += block, ++finite) {
    const std::int64_t count = std::min(block, p.T - row);
    if (!block_sees(ranges, row, count, k.begin, k.end)) continue;
    q.count = static_cast<std::size_t>(count);
    q.range = ranges.data() + row;
    q.query = scratch.query + static_cast<std::size_t>(g * p.T + row) * q.stride;
    q.grad_out = scratch.grad_out + static_cast<std::size_t>(g * p.T + row) * q.stride;
    q.finite = *finite != 0;
    q.lse = saved.lse + head + row;
    q.delta = delta + head + row;
    q.grad_gate = gate_term ? upstream.gate + head + row : nullptr;
    q.grad_query = grad_query + static_cast<std::size_t>(row) * q.stride;
    backward_tile(k, q, static_cast<std::size_t>(p.D), scratch.groups.data(), scratch.tile);
  }
}

template <class E>
void backward_chunk(const AttentionProblem& p, const SavedForward& saved, const Upstream& upstream,
                    const Gradients& gradients, BackwardPlan& plan, const TileTask& task,
                    BackwardScratch& scratch) {
  const std::int64_t group = p.H / p.K;
  const auto D = static_cast<std::size_t>(p.D), T = static_cast<std::size_t>(p.T);
  KeyBlock& k = scratch.keys;
  const auto grad_query = [&](std::int64_t g) {
    return plan.chunks() == 1 ? scratch.grad_query + static_cast<std::size_t>(g) * T * k.stride
                              : plan.partial(task.b, task.key_head * group + g, task.chunk);
  };
  scratch.finite.clear();
  for (std::int64_t g = 0; g < group; ++g) {
    std::fill_n(grad_query(g), T * k.stride, 0.0F);
    load_queries<E>(p, upstream, task, g, plan.rows_of(task.b), scratch);
  }
  const auto block = static_cast<std::int32_t>(key_block(p.D));
  for (auto begin = static_cast<std::int32_t>(task.keys.begin); begin < task.keys.end;
       begin += block) {
    k.begin = begin;
    k.end = std::min(begin + block, static_cast<std::int32_t>(task.keys.end));
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

void tile_worker(const AttentionProblem& p, const SavedForward& saved, const Upstream& upstream,
                 const Gradients& gradients, BackwardPlan& plan, TaskQueue& queue) {
  const auto rows = static_cast<std::size_t>(p.T * (p.H / p.K));
  BackwardScratch scratch(static_cast<std::size_t>(key_block(p.D)), static_cast<std::size_t>(p.D),
                          rows, plan.chunks() == 1 ? rows : 0);
  while (const auto index = queue.next()) {
    const TileTask task = plan.tile_task(*index);
    if (p.element == Element::float32) {
      backward_chunk<float>(p, saved, upstream, gradients, plan, task, scratch);
    } else {
      backward_chunk<BFloat16>(p, saved, upstream, gradients, plan, task, scratch);
    }
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
