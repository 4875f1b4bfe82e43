#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sinkwise::weights {

// How the numbers of a tensor are stored. Up to U16 one element after the other, little-endian;
// from Q4_0 on in blocks of ggml: a few shared scales, then small integers. Names are those of the
// formats (safetensors, ggml).
enum class StorageType {
  F64,
  F32,
  F16,
  BF16,
  F8_E4M3,  // without infinities ("fn")
  F8_E5M2,
  F8_E8M0,  // 2^(byte - 127); 255 is NaN
  I64,
  I32,
  I16,
  I8,
  BOOL,
  U64,
  U32,
  U16,
  U8,
  Q4_0,
  Q4_1,
  Q5_0,
  Q5_1,
  Q8_0,
  Q4_K,
  Q5_K,
  Q6_K,
  MXFP4,
  // Known by name and size, so that a file that holds them can be listed; not converted.
  Q8_1,
  Q2_K,
  Q3_K,
  Q8_K,
  IQ1_S,
  IQ1_M,
  IQ2_XXS,
  IQ2_XS,
  IQ2_S,
  IQ3_XXS,
  IQ3_S,
  IQ4_NL,
  IQ4_XS,
  TQ1_0,
  TQ2_0,
  NVFP4,
  Q1_0,
};

std::string_view type_name(StorageType type);
std::uint64_t block_elements(StorageType type);  // elements that are stored together; 1 before Q4_0
std::uint64_t block_bytes(StorageType type);     // bytes of those
bool converts(StorageType type);                 // whether to_float32() takes it

// "F64, F32, ...": what to_float32() takes, for messages.
std::string converted_types();

// The numbers of `bytes` (whole blocks, at any address) as float32. Integers and F64 are rounded to
// the nearest; every other type is exact, or for blocks the bits that ggml's reference yields.
// BadArgument unless `out` has exactly as many elements as `bytes` holds; Unsupported for a type
// that is not converted.
void to_float32(StorageType type, std::span<const std::byte> bytes, std::span<float> out);

}  // namespace sinkwise::weights
