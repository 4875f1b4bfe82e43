#include "cpu/tiling.h"

#include <algorithm>

namespace sinkwise::kernels {
namespace {

constexpr std::int64_t kFloatsInLine = 16;
constexpr std::int64_t kStripsInPass = 8;
constexpr std::int64_t kTasksAThread = 4;  // forward: cheap tasks, so that the last ones are short
constexpr double kBusy = 0.85;             // backward: share of the threads' time that has a task

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// The fewest chunks a head with which the rounds of tasks of equal length leave few threads idle.
std::int64_t chunk_count(const AttentionProblem& p, std::int64_t threads) {
  const std::int64_t heads = p.B * p.K, most = std::min(2 * threads, divide_up(p.S, kKeyBlock));
  std::int64_t best = 1;
  double best_share = 0.0;
  for (std::int64_t count = 1; count <= most && best_share < kBusy; ++count) {
    const std::int64_t rounds = divide_up(heads * count, threads);
    const double share = static_cast<double>(heads * count) / static_cast<double>(rounds * threads);
    if (share > best_share) best = count, best_share = share;
  }
  return best;
}

// Later blocks are seen by fewer rows under causal order, so blocks are dealt back and forth:
// 0 1 2 2 1 0 0 1 2 ...
std::int64_t dealt_to(std::int64_t block, std::int64_t count) {
  const std::int64_t turn = block % (2 * count);
  return std::min(turn, 2 * count - 1 - turn);
}

// Under a short window all blocks are seen by about as many rows, and neighbours by the same ones.
std::int64_t neighbour_of(std::int64_t block, std::int64_t blocks, std::int64_t count) {
  return block * count / blocks;
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
  const std::int64_t blocks = divide_up(p.S, kKeyBlock), count = chunk_count(p, threads);
  const bool short_window = p.window > 0 && p.window * count < p.S;
  std::vector<KeyChunk> chunks(static_cast<std::size_t>(count));
  for (std::int64_t block = 0; block < blocks; ++block) {
    const std::int64_t owner =
        short_window ? neighbour_of(block, blocks, count) : dealt_to(block, count);
    chunks[static_cast<std::size_t>(owner)].push_back(block * kKeyBlock);
  }
  return chunks;
}

}  // namespace sinkwise::kernels
