#include <array>
#include <bit>

#include "sinkwise/core/random.h"
#include "sinkwise/data/packed_documents.h"

namespace sinkwise::data {

std::uint64_t permuted(std::uint64_t i, std::uint64_t count, std::uint64_t key) {
  if (count < 2) return 0;
  const int half = (static_cast<int>(std::bit_width(count - 1)) + 1) / 2;
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  const std::array<std::uint32_t, 2> words{static_cast<std::uint32_t>(key),
                                           static_cast<std::uint32_t>(key >> 32)};
  do {
    std::uint64_t left = i >> half, right = i & mask;
    for (std::uint32_t round = 0; round < 4; ++round) {
      const auto mixed = philox4x32(words, {static_cast<std::uint32_t>(right),
                                            static_cast<std::uint32_t>(right >> 32), round, 0});
      const std::uint64_t next = left ^ (mixed[0] & mask);
      left = right;
      right = next;
    }
    i = left << half | right;
  } while (i >= count);
  return i;
}

}  // namespace sinkwise::data
