#pragma once

#include <string>
#include <vector>

namespace sinkwise::kernels {

// The kernels are compiled for several instruction sets and choose at run time. Names:
// "avx512_bf16" ("avx512" whose products of bfloat16 are dot products of bfloat16 pairs), "avx512",
// "avx2", "neon", "generic" (plain C++).

// Those that this build has and this processor can run, the best first.
std::vector<std::string> instruction_sets();

// The one in use: the best, unless the environment variable SINKWISE_SIMD or use_instruction_set()
// names another. Throws BadArgument when the variable names one that cannot run here.
std::string instruction_set();

// From now on, in the whole process. Throws BadArgument when `name` cannot run here.
void use_instruction_set(const std::string& name);

}  // namespace sinkwise::kernels
