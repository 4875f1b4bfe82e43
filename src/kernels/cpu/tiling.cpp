#include "cpu/tiling.h"

#include <algorithm>

namespace sinkwise::kernels {
namespace {

constexpr std::int64_t kFloatsInLine = 16;
constexpr std::int64_t kStripsInPass = 8;
constexpr std::int64_t kTasksAThread = 4;   // forward: cheap tasks, so that the last ones are short
constexpr std::int64_t kChunksAThread = 2;  // backward: every chunk costs a copy of dq

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// Query rows that see some key of [begin, end), by order and window alone.
std::int64_t rows_that_see(const AttentionProblem& p, std::int64_t begin, std::int64_t end) {
  const std::int64_t offset = p.S - p.T;  // position of row 0
  std::int64_t first = -offset, last = p.S - offset;
  if (p.causal) first = begin - offset;
  if (p.window > 0) {
    last = std::min(last, end - 1 + p.window - offset);
    if (!p.causal) first = begin - p.window + 1 - offset;
  }
  return std::max<std::int64_t>(0, std::min(last, p.T) - std::max<std::int64_t>(first, 0));
}

std::int64_t chunk_count(const AttentionProblem& p, std::int64_t threads) {
  const std::int64_t heads = p.B * p.K;
  const bool even = heads % threads == 0 || heads >= kTasksAThread * threads;
  if (threads == 1 || even) return 1;
  return std::min(divide_up(kChunksAThread * threads, heads), divide_up(p.S, kKeyBlock));
}

}  // namespace

std::int64_t padded_stride(std::int64_t columns) {
  return (divide_up(columns, kFloatsInLine) | 1) * kFloatsInLine;
}

std::int64_t forward_rows(const AttentionProblem& p, std::int64_t strip, std::int64_t threads) {
  std::int64_t strips = std::min(kStripsInPass, divide_up(p.T, strip));
  while (strips > 1 && threads > 1 &&
         p.B * p.H * divide_up(p.T, strips * strip) < kTasksAThread * threads) {
    strips = divide_up(strips, 2);
  }
  return strips * strip;
}

std::vector<KeyChunk> backward_chunks(const AttentionProblem& p, std::int64_t threads) {
  const std::int64_t block = kKeyBlock, count = chunk_count(p, threads);
  std::int64_t total = 0;
  for (std::int64_t key = 0; key < p.S; key += block) {
    total += rows_that_see(p, key, std::min(key + block, p.S));
  }
  std::vector<KeyChunk> chunks;
  std::int64_t begin = 0, work = 0;
  for (std::int64_t key = 0; key < p.S; key += block) {
    const std::int64_t end = std::min(key + block, p.S);
    work += rows_that_see(p, key, end);
    const auto cut = static_cast<std::int64_t>(chunks.size()) + 1;
    const bool last = end == p.S;
    if (last || (cut < count && work * count >= total * cut)) {
      chunks.push_back({begin, end});
      begin = end;
    }
  }
  if (chunks.empty()) chunks.push_back({0, 0});  // no keys: the task that writes zeros
  return chunks;
}

}  // namespace sinkwise::kernels
