#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sinkwise::checkpoint {

// The element types of the safetensors format that fill whole bytes, under its names. F8_E4M3 has
// no infinities (the "fn" variant); F8_E8M0 is a power of two.
enum class Dtype {
  F64,
  F32,
  F16,
  BF16,
  I64,
  I32,
  U8,
  BOOL,
  F8_E4M3,
  F8_E5M2,
  F8_E8M0,
  I16,
  I8,
  U64,
  U32,
  U16
};

std::string_view dtype_name(Dtype dtype);
std::size_t dtype_size(Dtype dtype);  // bytes of one element
std::optional<Dtype> dtype_of(std::string_view name);

// "F64, F32, ...": what dtype_of() accepts, for messages.
std::string dtype_names();

}  // namespace sinkwise::checkpoint
