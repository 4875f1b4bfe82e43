#include "sinkwise/kernels/instruction_set.h"

#include <cstdlib>
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
  const char* name;
};
constexpr Named kNames[] = {
    {HWY_AVX3, "avx512"}, {HWY_AVX2, "avx2"}, {HWY_NEON, "neon"}, {HWY_EMU128, "generic"}};

// What the processor can run, whatever has been chosen before.
std::int64_t runnable() {
  static const std::int64_t targets = hwy::SupportedTargets() & HWY_TARGETS;
  return targets;
}

std::int64_t& chosen() {
  static std::int64_t target = 0;
  return target;
}

void choose(const std::string& name, const std::string& where) {
  for (const Named& named : kNames) {
    if (name != named.name || (runnable() & named.target) == 0) continue;
    chosen() = named.target;
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
    if ((runnable() & named.target) != 0) names.emplace_back(named.name);
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

std::string instruction_set() {
  use_instruction_set_of_environment();
  if (chosen() == 0) return instruction_sets().front();
  for (const Named& named : kNames) {
    if (named.target == chosen()) return named.name;
  }
  return "generic";
}

void use_instruction_set(const std::string& name) {
  use_instruction_set_of_environment();  // so that a later first use does not undo this choice
  choose(name, "argument `name`");
}

}  // namespace sinkwise::kernels
