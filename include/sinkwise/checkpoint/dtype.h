#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sinkwise::checkpoint {

// The element types that a file of ours may hold, named as the safetensors format names them.
enum class Dtype { F64, F32, F16, BF16, I64, I32, U8, BOOL, F8_E4M3 };

std::string_view dtype_name(Dtype dtype);
std::size_t dtype_size(Dtype dtype);  // bytes of one element
std::optional<Dtype> dtype_of(std::string_view name);

// "F64, F32, ...": what dtype_of() accepts, for messages.
std::string dtype_names();

}  // namespace sinkwise::checkpoint
