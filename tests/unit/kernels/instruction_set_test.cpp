#include "sinkwise/kernels/instruction_set.h"

#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>

#include "sinkwise/core/error.h"

namespace sinkwise::kernels {
namespace {

TEST(InstructionSet, TheBestIsInUseUnlessAnotherIsNamed) {
  const auto sets = instruction_sets();
  ASSERT_FALSE(sets.empty());
  if (std::getenv("SINKWISE_SIMD") == nullptr) {
    EXPECT_EQ(instruction_set(), sets.front());
  }
  for (const std::string& set : sets) {
    use_instruction_set(set);
    EXPECT_EQ(instruction_set(), set);
    EXPECT_EQ(instruction_sets(), sets) << "the choice must not hide the others";
  }
}

TEST(InstructionSet, DotProductsComeWithTheirFloat32) {
  const auto sets = instruction_sets();
  const auto dot_products = std::find(sets.begin(), sets.end(), "avx512_bf16");
  if (dot_products == sets.end()) GTEST_SKIP() << "this processor lacks AVX512_BF16";
  EXPECT_EQ(dot_products, sets.begin());
  EXPECT_EQ(sets[1], "avx512");
}

TEST(InstructionSet, WhatCannotRunHereIsRefusedByName) {
  try {
    use_instruction_set("avx9");
    FAIL() << "accepted";
  } catch (const BadArgument& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("avx9"), std::string::npos) << message;
    EXPECT_NE(message.find(instruction_sets().front()), std::string::npos) << message;
  }
}

// In a process of its own, because the variable is read once.
TEST(InstructionSetDeathTest, TheEnvironmentNamesOne) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  const std::string last = instruction_sets().back();
  EXPECT_EXIT(
      {
        setenv("SINKWISE_SIMD", last.c_str(), 1);
        std::exit(instruction_set() == last ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(
      {
        setenv("SINKWISE_SIMD", "mmx", 1);
        try {
          instruction_set();
          std::exit(1);
        } catch (const BadArgument&) {
          std::exit(0);
        }
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace sinkwise::kernels
