#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/forward.cpp"
#include "cpu/foreach_instruction_set.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "cpu/epilogue-inl.h"
#include "cpu/multiply-inl.h"
#include "cpu/pack-inl.h"
#include "cpu/pack_pairs-inl.h"
#include "cpu/pair-inl.h"
#include "cpu/task.h"
#include "cpu/tiling.h"

// The forward. Query rows stand in lanes, so the softmax is vertical and neither K nor V needs to
// be transposed. For one strip of kStrip rows and one block of keys:
//   scores [keys, kStrip] = K * Q^T      K broadcast, Q^T packed once a strip
//   online softmax of every lane
//   O^T [D, kStrip]       = O^T * rescale + V^T * weights      V broadcast

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {

// X: what the blocks of the products are made of, float or Pair (operand.h).
template <class X>
struct Strip {
  const RowRange* rows = nullptr;  // [kStrip]
  GroupRange range;
  X* query = nullptr;       // [units(D), kStrip]; float: times scale and log2(e)
  float* output = nullptr;  // [D, kStrip], not yet divided by the sum
  RunningSoftmax softmax;
};

// Rows `begin` ... of one key head's K [keys, units(D)] or V [units(keys), D].
template <class X>
struct Block {
  const X* data = nullptr;
  std::size_t stride = 0;
};

constexpr std::size_t kStripsThatPack = 3;

// In place where that serves: float32 rows that few strips will read. Else a copy whose rows spread
// over the cache; rows of a projection lie a power of two apart and would evict each other.
template <class X, class E>
bool in_place(const E* from, std::int64_t stride, std::size_t strips, Block<X>& block) {
  if constexpr (std::is_same_v<X, E>) {
    block = {from, static_cast<std::size_t>(stride)};
    return strips < kStripsThatPack;
  } else {
    return false;
  }
}

template <class X, class E>
Block<X> key_block_of(const E* from, std::int64_t stride, std::size_t count, std::size_t D,
                      std::size_t strips, X* scratch) {
  Block<X> block;
  if (in_place(from, stride, strips, block)) return block;
  block = {scratch, row_stride(units<X>(D))};
  pack_along_columns(from, stride, count, D, scratch, block.stride);
  return block;
}

template <class X, class E>
Block<X> value_block_of(const E* from, std::int64_t stride, std::size_t count, std::size_t D,
                        std::size_t strips, X* scratch) {
  Block<X> block;
  if (in_place(from, stride, strips, block)) return block;
  block = {scratch, row_stride(D)};
  pack_along_rows(from, stride, count, D, D, scratch, block.stride);
  return block;
}

// Sum over keys row by row, for blocks in which a masked value is not finite: 0 * NaN must not
// reach a row that does not see it.
template <class X>
void add_visible_values(const Strip<X>& strip, const float* weights, const Block<X>& value,
                        std::int32_t begin, std::int32_t end, std::size_t D, const float* rescale) {
  for (std::size_t d = 0; d < D; ++d) {
    for (std::size_t row = 0; row < kStrip; ++row) {
      float sum = strip.output[d * kStrip + row] * rescale[row];
      for (std::int32_t key = begin; key < end; ++key) {
        const auto at = static_cast<std::size_t>(key - begin);
        if (strip.rows[row].sees(key)) {
          sum += weights[at * kStrip + row] * step_of(value.data, value.stride, at, d);
        }
      }
      strip.output[d * kStrip + row] = sum;
    }
  }
}

template <class X>
HWY_INLINE void keep_first_scores(Strip<X>& strip, const float* scores, std::int32_t begin,
                                  std::int32_t end) {
  for (std::size_t row = 0; row < kStrip; ++row) {
    const std::int32_t first = strip.rows[row].first;
    if (begin <= first && first < end) {
      strip.softmax.first_score[row] =
          scores[static_cast<std::size_t>(first - begin) * kStrip + row];
    }
  }
}

// Weights [keys, kStrip] as the product with V takes them, in place.
template <class X>
HWY_INLINE const X* as_operand(float* weights, std::size_t keys) {
  if constexpr (kSteps<X> == 1) {
    static_cast<void>(keys);
    return weights;
  } else {
    X* pairs = reinterpret_cast<X*>(weights);  // a row is written when the two it rounds are read
    round_steps(weights, kStrip, keys, pairs, kStrip);
    return pairs;
  }
}

// One block of keys [begin, end) for one strip; `scores` is scratch. Pairs of keys are even and odd
// positions, so that the sums do not depend on where a block begins.
template <class X>
HWY_NOINLINE void attend_block(Strip<X>& strip, Block<X> key, Block<X> value, std::int32_t begin,
                               std::int32_t end, std::size_t D, float factor, bool careful,
                               bool gate_first, float* scores) {
  constexpr Start kStart = kSteps<X> == 1 ? Start::zero : Start::zero_scaled;
  const auto keys = static_cast<std::size_t>(end - begin);
  HWY_ALIGN float rescale[kStrip];
  multiply_strip<X, Adjacent::steps, kStart>(keys, {key.data, key.stride}, {strip.query, kStrip},
                                             units<X>(D), {scores, kStrip}, &factor);
  const bool masked = strip.range.masks(begin, end);
  if (masked) mask_scores(scores, begin, end, strip.rows, strip.range);
  if (gate_first) keep_first_scores(strip, scores, begin, end);
  update(strip.softmax, scores, keys, rescale);
  if (masked && careful) {
    add_visible_values(strip, scores, value, begin, end, D, rescale);
  } else {
    const X* weights = as_operand<X>(scores, keys);
    multiply_strip<X, Adjacent::rows, Start::rescaled_target>(D, {value.data, value.stride},
                                                              {weights, kStrip}, units<X>(keys),
                                                              {strip.output, kStrip}, rescale);
  }
}

// The scratch of one task and how it is cut up.
template <class X>
struct ForwardScratch {
  std::vector<RowRange> rows;  // one a lane, the last row repeated in lanes past T
  std::vector<Strip<X>> strips;
  float* scores = nullptr;
  X *key = nullptr, *value = nullptr;
  Workspace memory;

  ForwardScratch(std::size_t row_count, std::size_t D)
      : rows(row_count), strips(row_count / kStrip), memory(0) {
    WorkspaceSize size;
    lay_out(size, D);
    memory = Workspace(size.floats);
    lay_out(memory, D);
  }

 private:
  template <class Memory>
  void lay_out(Memory& from, std::size_t D) {
    constexpr auto kBlock = static_cast<std::size_t>(kKeyBlock);
    for (Strip<X>& strip : strips) {
      strip.query = take_as<X>(from, units<X>(D) * kStrip);
      strip.output = from.take(D * kStrip);
    }
    scores = from.take(kBlock * kStrip);
    key = take_as<X>(from, kBlock * row_stride(units<X>(D)));
    value = take_as<X>(from, units<X>(kBlock) * row_stride(D));
  }
};

template <class X, class E>
std::size_t start_strips(const AttentionProblem& p, const ForwardTask& task,
                         const std::vector<RowRange>& rows, ForwardScratch<X>& scratch) {
  const auto D = static_cast<std::size_t>(p.D);
  const auto count = static_cast<std::size_t>(task.row_end - task.row_begin);
  for (std::size_t lane = 0; lane < scratch.rows.size(); ++lane) {
    const auto row = std::min(task.row_begin + static_cast<std::int64_t>(lane), task.row_end - 1);
    scratch.rows[lane] = rows[static_cast<std::size_t>(row)];
  }
  const std::size_t used = (count + kStrip - 1) / kStrip;
  for (std::size_t s = 0; s < used; ++s) {
    Strip<X>& strip = scratch.strips[s];
    strip.rows = scratch.rows.data() + s * kStrip;
    strip.range = group_range(strip.rows, kStrip);
    start(strip.softmax);
    std::fill_n(strip.output, D * kStrip, 0.0F);
    const std::int64_t first = task.row_begin + static_cast<std::int64_t>(s * kStrip);
    const E* query = row_of<E>(p.query, task.b, task.h, first);
    const std::size_t lanes = std::min(kStrip, count - s * kStrip);
    if constexpr (kSteps<X> == 1) {
      pack_transposed(query, p.query.strides.row, lanes, D, p.scale * kLog2E, strip.query);
    } else {
      pack_transposed(query, p.query.strides.row, lanes, D, strip.query);
    }
  }
  return used;
}

template <class E, class X>
void finish_strip(const AttentionProblem& p, const ForwardResult& result, const ForwardTask& task,
                  std::size_t s, const Strip<X>& strip) {
  StripResult finished;
  finish(strip.softmax, p.sink == nullptr ? nullptr : p.sink + task.h, p.gate, finished);
  const std::int64_t first = task.row_begin + static_cast<std::int64_t>(s * kStrip);
  const auto count = std::min(kStrip, static_cast<std::size_t>(task.row_end - first));
  unpack_transposed(strip.output, finished.out_factor, count, static_cast<std::size_t>(p.D),
                    row_of<E>(result.out, task.b, task.h, first), result.out.strides.row);
  const std::int64_t at = (task.b * p.H + task.h) * p.T + first;
  std::copy_n(finished.lse, count, result.lse + at);
  if (p.gate != Gate::none) std::copy_n(finished.gate, count, result.gate + at);
}

template <class X, class E>
void forward_rows_of_head(const AttentionProblem& p, const ForwardResult& result,
                          const ForwardTask& task, const std::vector<RowRange>& rows,
                          ForwardScratch<X>& scratch) {
  const std::size_t strips = start_strips<X, E>(p, task, rows, scratch);
  const std::int64_t key_head = task.h / (p.H / p.K);
  const auto D = static_cast<std::size_t>(p.D);
  std::int32_t first = scratch.strips[0].range.begin, last = scratch.strips[0].range.end;
  for (std::size_t s = 1; s < strips; ++s) {
    first = std::min(first, scratch.strips[s].range.begin);
    last = std::max(last, scratch.strips[s].range.end);
  }
  first = last_whole<X>(first);
  const auto block = static_cast<std::int32_t>(kKeyBlock);
  for (std::int32_t from = first / block * block; from < last; from += block) {
    const std::int32_t begin = std::max(from, first), end = std::min(from + block, last);
    const auto count = static_cast<std::size_t>(end - begin);
    const E* key_rows = row_of<E>(p.key, task.b, key_head, begin);
    const E* value_rows = row_of<E>(p.value, task.b, key_head, begin);
    const Block<X> key = key_block_of(key_rows, p.key.strides.row, count, D, strips, scratch.key);
    const Block<X> value =
        value_block_of(value_rows, p.value.strides.row, count, D, strips, scratch.value);
    bool some_masked = false;
    for (std::size_t s = 0; s < strips; ++s) {
      some_masked = some_masked || scratch.strips[s].range.masks(begin, end);
    }
    const bool careful = some_masked && !rows_finite(value_rows, p.value.strides.row, count, D);
    for (std::size_t s = 0; s < strips; ++s) {
      Strip<X>& strip = scratch.strips[s];
      // Whole elements: a key beside the first or last in sight is met too, as a masked one.
      const std::int32_t a = std::max(begin, last_whole<X>(strip.range.begin));
      const std::int32_t z = std::min(end, first_whole<X>(strip.range.end));
      if (a >= z) continue;
      const auto skip = static_cast<std::size_t>(a - begin);
      attend_block<X>(strip, {key.data + skip * key.stride, key.stride},
                      {value.data + units<X>(skip) * value.stride, value.stride}, a, z, D,
                      p.scale * kLog2E, careful, p.gate == Gate::first_key, scratch.scores);
    }
  }
  for (std::size_t s = 0; s < strips; ++s) finish_strip<E>(p, result, task, s, scratch.strips[s]);
}

template <class X, class E>
void forward_tasks(const AttentionProblem& p, const ForwardResult& result, const ForwardPlan& plan,
                   TaskQueue& queue) {
  ForwardScratch<X> scratch(static_cast<std::size_t>(plan.rows_a_task),
                            static_cast<std::size_t>(p.D));
  while (const auto index = queue.next()) {
    const ForwardTask task = plan.task(*index);
    forward_rows_of_head<X, E>(p, result, task, plan.rows_of(task.b), scratch);
  }
}

void forward_worker(const AttentionProblem& p, const ForwardResult& result, const ForwardPlan& plan,
                    TaskQueue& queue) {
  if (p.element == Element::float32) {
    forward_tasks<float, float>(p, result, plan, queue);
#if SINKWISE_HAS_PAIRS
  } else if (bfloat16_dot_products()) {
    forward_tasks<Pair, BFloat16>(p, result, plan, queue);
#endif
  } else {
    forward_tasks<float, BFloat16>(p, result, plan, queue);
  }
}

std::int64_t strip_rows() { return static_cast<std::int64_t>(kStrip); }

}  // namespace sinkwise::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sinkwise::kernels {

HWY_EXPORT(forward_worker);
HWY_EXPORT(strip_rows);

void attention_forward(const AttentionProblem& problem, const ForwardResult& result,
                       const Executor& executor) {
  if (problem.B * problem.H * problem.T == 0) return;
  use_instruction_set_of_environment();
  const ForwardPlan plan(problem, HWY_DYNAMIC_DISPATCH(strip_rows)(), executor.threads);
  TaskQueue queue(plan.tasks());
  executor.run(std::min(executor.threads, plan.tasks()), [&](std::int64_t) {
    HWY_DYNAMIC_DISPATCH(forward_worker)(problem, result, plan, queue);
  });
}

}  // namespace sinkwise::kernels
#endif
