#pragma once

#include "sinkwise/kernels/attention.h"

namespace sinkwise::kernels {

// Floating-point operations a second that one core reaches in nothing but multiply-adds on
// registers, with the instruction set in use: the physical limit of every product on operands of
// that type. bfloat16 has a peak of its own only where its dot products are used ("avx512_bf16").
// The best of repeated short runs over about `seconds`.
double peak_flops(double seconds, Element element = Element::float32);

}  // namespace sinkwise::kernels
