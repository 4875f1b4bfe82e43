#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "sinkwise/checkpoint/dtype.h"

namespace sinkwise::checkpoint {

// Bytes of a tensor; none when a dimension is negative or the product overflows. A later zero does
// not excuse an overflow: the reference refuses it too.
inline std::optional<std::uint64_t> tensor_bytes(Dtype dtype, std::span<const std::int64_t> shape) {
  std::uint64_t bytes = dtype_size(dtype);
  for (const std::int64_t dim : shape) {
    if (dim < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(dim), &bytes)) {
      return std::nullopt;
    }
  }
  return bytes;
}

}  // namespace sinkwise::checkpoint
