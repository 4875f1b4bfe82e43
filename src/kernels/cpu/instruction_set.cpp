#include "sinkwise/kernels/instruction_set.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <mutex>

#include "cpu/targets.h"
#include "cpu/task.h"
#include "hwy/highway.h"
#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::kernels {
namespace {

struct Named {
  std::int64_t target;
  bool dot_products;  // of bfloat16 pairs, for which Highway has no target of its own
  const char* name;
};
constexpr Named kNames[] = {{HWY_AVX3, true, "avx512_bf16"},
                            {HWY_AVX3, false, "avx512"},
                            {HWY_AVX2, false, "avx2"},
                            {HWY_NEON, false, "neon"},
                            {HWY_EMU128, false, "generic"}};

bool has_dot_products() {
#if HWY_ARCH_X86_64
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

// What the processor can run, whatever has been chosen before.
bool runnable(const Named& set) {
  static const std::int64_t targets = hwy::SupportedTargets() & HWY_TARGETS;
  static const bool dot_products = has_dot_products();
  return (targets & set.target) != 0 && (dot_products || !set.dot_products);
}

const Named& best() { return *std::find_if(std::begin(kNames), std::end(kNames), runnable); }

const Named*& chosen() {
  static const Named* set = nullptr;
  return set;
}

const Named& in_use() {
  use_instruction_set_of_environment();
  return chosen() == nullptr ? best() : *chosen();
}

void choose(const std::string& name, const std::string& where) {
  for (const Named& named : kNames) {
    if (name != named.name || !runnable(named)) continue;
    chosen() = &named;
    hwy::SetSupportedTargetsForTest(named.target);
    hwy::GetChosenTarget().Update(named.target);
    return;
  }
  throw BadArgument({"this processor cannot run that instruction set", where,
                     join(instruction_sets(), ", "), name, "leave it unset to take the best"});
}

}  // namespace

std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  for (const Named& named : kNames) {
    if (runnable(named)) names.emplace_back(named.name);
  }
  return names;
}

void use_instruction_set_of_environment() {
  static std::once_flag once;
  std::call_once(once, [] {
    const char* wanted = std::getenv("SINKWISE_SIMD");
    if (wanted != nullptr && *wanted != '\0') choose(wanted, "environment variable SINKWISE_SIMD");
  });
}

std::string instruction_set() { return in_use().name; }

bool bfloat16_dot_products() { return in_use().dot_products; }

void use_instruction_set(const std::string& name) {
  use_instruction_set_of_environment();  // so that a later first use does not undo this choice
  choose(name, "argument `name`");
}

}  // namespace sinkwise::kernels
