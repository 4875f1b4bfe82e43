#include <bit>
#include <cmath>
#include <gtest/gtest.h>

#include "sinkwise/core/error.h"
#include "unit/weights/fixtures.h"

namespace sinkwise::weights {
namespace {

using test::fixtures;

std::vector<float> convert(StorageType type, std::string_view bytes) {
  std::vector<float> values(bytes.size() / block_bytes(type) * block_elements(type));
  to_float32(type, bytes_of(bytes), values);
  return values;
}

// Bits, but NaN for NaN: the payload of a NaN is nobody's promise.
void expect_same(const std::vector<float>& found, const std::vector<float>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const bool both_nan = std::isnan(found[i]) && std::isnan(expected[i]);
    ASSERT_TRUE(both_nan ||
                std::bit_cast<std::uint32_t>(found[i]) == std::bit_cast<std::uint32_t>(expected[i]))
        << "element " << i << ": " << found[i] << " instead of " << expected[i];
  }
}

// The definition of a small float, in double precision.
float by_definition(unsigned bits, int exponent_bits, int fraction_bits, bool has_infinity) {
  const int bias = (1 << (exponent_bits - 1)) - 1, top = (1 << exponent_bits) - 1;
  const int fraction = static_cast<int>(bits & ((1u << fraction_bits) - 1));
  const int exponent = static_cast<int>(bits >> fraction_bits) & top;
  const double sign = bits >> (exponent_bits + fraction_bits) & 1 ? -1 : 1;
  const bool all_ones = fraction == (1 << fraction_bits) - 1;
  if (exponent == top && has_infinity) {
    return static_cast<float>(fraction == 0 ? sign * INFINITY : NAN);
  }
  if (exponent == top && all_ones) return NAN;
  const double significand = fraction + (exponent > 0 ? 1 << fraction_bits : 0);
  return static_cast<float>(sign *
                            std::ldexp(significand, std::max(exponent, 1) - bias - fraction_bits));
}

TEST(ToFloat32, EveryHalfIsWhatItsBitsMean) {
  std::string bytes;
  std::vector<float> expected;
  for (unsigned bits = 0; bits <= 0xFFFF; ++bits) {
    bytes += static_cast<char>(bits);
    bytes += static_cast<char>(bits >> 8);
    expected.push_back(by_definition(bits, 5, 10, true));
  }
  expect_same(convert(StorageType::F16, bytes), expected);
}

TEST(ToFloat32, EveryEightBitFloatIsWhatItsBitsMean) {
  std::string bytes;
  std::vector<float> e4m3, e5m2, e8m0;
  for (unsigned bits = 0; bits <= 0xFF; ++bits) {
    bytes += static_cast<char>(bits);
    e4m3.push_back(by_definition(bits, 4, 3, false));
    e5m2.push_back(by_definition(bits, 5, 2, true));
    e8m0.push_back(bits == 255 ? NAN : std::ldexp(1.0f, static_cast<int>(bits) - 127));
  }
  expect_same(convert(StorageType::F8_E4M3, bytes), e4m3);
  expect_same(convert(StorageType::F8_E5M2, bytes), e5m2);
  expect_same(convert(StorageType::F8_E8M0, bytes), e8m0);
}

// The values of one file against float32 values that the reference library made of it.
void expect_parity(const char* file, const char* float32, std::size_t tensors) {
  const Weights model = Weights::open(fixtures() / file);
  const Weights expected = Weights::open(fixtures() / float32);
  EXPECT_EQ(model.tensors().size(), tensors);
  ASSERT_EQ(expected.tensors().size(), tensors);
  for (const Tensor& tensor : model.tensors()) {
    SCOPED_TRACE(tensor.name);
    EXPECT_EQ(expected.at(tensor.name).type, StorageType::F32);
    EXPECT_EQ(expected.at(tensor.name).shape, tensor.shape);
    expect_same(test::floats(model, tensor.name), test::floats(expected, tensor.name));
  }
}

TEST(ToFloat32, GgufTypesHaveTheBitsOfTheReference) {
  expect_parity("types.gguf", "types.safetensors", 25);
}

TEST(ToFloat32, SafetensorsDtypesHaveTheBitsOfTheReference) {
  expect_parity("small_floats.safetensors", "small_floats_float32.safetensors", 16);
}

TEST(ToFloat32, EveryConvertedTypeIsInAFixture) {
  const Weights gguf = Weights::open(fixtures() / "types.gguf");
  const Weights other = Weights::open(fixtures() / "small_floats.safetensors");
  for (std::size_t i = 0; converts(static_cast<StorageType>(i)); ++i) {
    const auto type = static_cast<StorageType>(i);
    const std::string name(type_name(type));
    const Tensor* tensor = gguf.find(name) != nullptr ? gguf.find(name) : other.find(name);
    ASSERT_NE(tensor, nullptr) << name;
    EXPECT_EQ(tensor->type, type) << name;
  }
}

TEST(ToFloat32, RefusesOtherTypesByNameAndBuffersThatDoNotFit) {
  std::vector<float> out(256);
  const std::string block(84, '\0');
  try {
    to_float32(StorageType::Q2_K, bytes_of(block), out);
    FAIL();
  } catch (const Unsupported& error) {
    EXPECT_NE(std::string(error.what()).find("Q2_K"), std::string::npos);
    EXPECT_NE(error.text().expected.find("Q4_K, Q5_K"), std::string::npos);
  }
  const auto q4_0 = [&](std::size_t bytes, std::size_t elements) {
    to_float32(StorageType::Q4_0, bytes_of(block).first(bytes), std::span(out).first(elements));
  };
  q4_0(36, 64);
  q4_0(0, 0);
  EXPECT_THROW(q4_0(36, 63), BadArgument);
  EXPECT_THROW(q4_0(36, 65), BadArgument);
  EXPECT_THROW(q4_0(35, 32), BadArgument);
}

}  // namespace
}  // namespace sinkwise::weights
