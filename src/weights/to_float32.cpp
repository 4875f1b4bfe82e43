#include "dequantize.h"
#include "scalars.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"
#include "sinkwise/weights/storage_type.h"

namespace sinkwise::weights {
namespace {

// The function is an argument of the template, so that it is inlined and the loop vectorised.
template <typename Stored, auto kConvert>
void each(std::span<const std::byte> bytes, std::span<float> out) {
  const std::byte* at = bytes.data();
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = kConvert(load<Stored>(at + i * sizeof(Stored)));
  }
}

template <typename Number>
float rounded(Number number) {
  return static_cast<float>(number);
}

template <typename Number>
void numbers(std::span<const std::byte> bytes, std::span<float> out) {
  each<Number, rounded<Number>>(bytes, out);
}

float float_of_bool(std::uint8_t byte) { return byte == 0 ? 0.0f : 1.0f; }

void check(StorageType type, std::span<const std::byte> bytes, std::span<float> out) {
  if (!converts(type)) {
    throw Unsupported({.what = concat("tensors of type ", type_name(type), " are not converted"),
                       .where = "to_float32",
                       .expected = "one of " + converted_types(),
                       .found = std::string(type_name(type)),
                       .next = "fetch or make the model in one of these types"});
  }
  const std::uint64_t blocks = bytes.size() / block_bytes(type);
  if (bytes.size() % block_bytes(type) == 0 && out.size() == blocks * block_elements(type)) return;
  throw BadArgument({.what = "a buffer does not fit the numbers to be converted",
                     .where = concat("to_float32, ", bytes.size(), " bytes of ", type_name(type)),
                     .expected = concat("whole blocks of ", block_bytes(type), " bytes for ",
                                        block_elements(type), " elements each"),
                     .found = concat("room for ", out.size(), " elements"),
                     .next = {}});
}

}  // namespace

void to_float32(StorageType type, std::span<const std::byte> bytes, std::span<float> out) {
  check(type, bytes, out);
  switch (type) {
    case StorageType::F64:
      return numbers<double>(bytes, out);
    case StorageType::F32:
      return numbers<float>(bytes, out);
    case StorageType::F16:
      return each<std::uint16_t, float_of_half>(bytes, out);
    case StorageType::BF16:
      return each<std::uint16_t, float_of_bf16>(bytes, out);
    case StorageType::F8_E4M3:
      return each<std::uint8_t, float_of_f8_e4m3>(bytes, out);
    case StorageType::F8_E5M2:
      return each<std::uint8_t, float_of_f8_e5m2>(bytes, out);
    case StorageType::F8_E8M0:
      return each<std::uint8_t, float_of_f8_e8m0>(bytes, out);
    case StorageType::I64:
      return numbers<std::int64_t>(bytes, out);
    case StorageType::I32:
      return numbers<std::int32_t>(bytes, out);
    case StorageType::I16:
      return numbers<std::int16_t>(bytes, out);
    case StorageType::I8:
      return numbers<std::int8_t>(bytes, out);
    case StorageType::BOOL:
      return each<std::uint8_t, float_of_bool>(bytes, out);
    case StorageType::U64:
      return numbers<std::uint64_t>(bytes, out);
    case StorageType::U32:
      return numbers<std::uint32_t>(bytes, out);
    case StorageType::U16:
      return numbers<std::uint16_t>(bytes, out);
    case StorageType::U8:
      return numbers<std::uint8_t>(bytes, out);
    case StorageType::Q4_0:
      return dequantize_q4_0(bytes, out);
    case StorageType::Q4_1:
      return dequantize_q4_1(bytes, out);
    case StorageType::Q5_0:
      return dequantize_q5_0(bytes, out);
    case StorageType::Q5_1:
      return dequantize_q5_1(bytes, out);
    case StorageType::Q8_0:
      return dequantize_q8_0(bytes, out);
    case StorageType::Q4_K:
      return dequantize_q4_k(bytes, out);
    case StorageType::Q5_K:
      return dequantize_q5_k(bytes, out);
    case StorageType::Q6_K:
      return dequantize_q6_k(bytes, out);
    case StorageType::MXFP4:
      return dequantize_mxfp4(bytes, out);
    default:
      return;  // refused by check()
  }
}

}  // namespace sinkwise::weights
