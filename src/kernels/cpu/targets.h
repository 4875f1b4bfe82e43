#pragma once

// The instruction sets that kernels are compiled for: AVX-512 (Highway's AVX3), AVX2 or NEON, and
// EMU128, plain C++ on four floats, for every other processor. Those between add nothing to float32
// products; SVE vectors have no fixed size that a register tile could be written for.
#define HWY_DISABLED_TARGETS \
  (HWY_SCALAR | HWY_SSSE3 | HWY_SSE4 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
// Highway avoids EMU128 before g++ 12.3 because of a fault in products of 16-bit integers (GCC bug
// 106322), which these kernels do not form.
#define HWY_BROKEN_EMU128 0
