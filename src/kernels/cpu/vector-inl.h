// The vector types and tile sizes of one instruction set. Compiled once for each (Highway's
// foreach_target), hence the include guard that is reset between them.
#if defined(SINKWISE_VECTOR_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SINKWISE_VECTOR_INL_H
#undef SINKWISE_VECTOR_INL_H
#else
#define SINKWISE_VECTOR_INL_H
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace sinkwise::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using I = hn::RebindToSigned<F>;
using VectorF = hn::Vec<F>;
using VectorI = hn::Vec<I>;
using MaskF = hn::Mask<F>;

constexpr std::size_t kLanes = HWY_MAX_BYTES / sizeof(float);
// A register tile is kRows x 2 vectors: its accumulators, two operand vectors and one broadcast
// fill the register file (16 registers: 6 x 2 + 3; 32 registers: 12 x 2 + 3).
constexpr bool kManyRegisters = HWY_TARGET <= HWY_AVX3 || (HWY_ARCH_ARM_A64 != 0);
constexpr std::size_t kRows = kManyRegisters ? 12 : 6;
constexpr std::size_t kStrip = 2 * kLanes;  // columns of a register tile

HWY_INLINE VectorF load(const float* from) { return hn::LoadU(F(), from); }
HWY_INLINE void store(VectorF vector, float* to) { hn::StoreU(vector, F(), to); }
HWY_INLINE VectorF broadcast(float value) { return hn::Set(F(), value); }
HWY_INLINE VectorF multiply_add(VectorF a, VectorF b, VectorF sum) { return hn::MulAdd(a, b, sum); }

}  // namespace sinkwise::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
