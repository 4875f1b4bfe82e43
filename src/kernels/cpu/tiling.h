#pragma once

#include <cstdint>
#include <vector>

#include "sinkwise/kernels/attention.h"

namespace sinkwise::kernels {

inline constexpr std::int64_t kLargestHead = 256;  // head sizes served: 1 to this

// Keys in one block: a multiple of every register tile's rows (6, 12) and strip (8, 16, 32), small
// enough that the blocks of one step stay in a second-level cache.
inline constexpr std::int64_t kKeyBlock = 96;

// Distance between the rows of a packed block of `columns` floats: an odd number of 64-byte lines,
// so that a column walk meets every set of the first-level cache.
std::int64_t padded_stride(std::int64_t columns);

// Query rows that share one pass over the keys in the forward: `strips` times `strip` rows, fewer
// where there would not be enough tasks to keep the threads busy.
std::int64_t forward_rows(const AttentionProblem& problem, std::int64_t strip,
                          std::int64_t threads);

// The key blocks that one backward task owns, by their first keys: ascending multiples of
// kKeyBlock.
using KeyChunk = std::vector<std::int64_t>;

// The chunks of one (batch, key head): one if B * K alone keeps the threads busy, else several of
// about equal work, since every chunk costs a copy of dq and packs its queries again. A pure
// function of the shapes and the thread count, since gradients of query are summed over chunks in
// their order.
std::vector<KeyChunk> backward_chunks(const AttentionProblem& problem, std::int64_t threads);

}  // namespace sinkwise::kernels
