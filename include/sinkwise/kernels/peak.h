#pragma once

namespace sinkwise::kernels {

// Floating-point operations a second that one core reaches in nothing but float32 multiply-adds on
// registers, with the instruction set in use: the physical limit of every product. The best of
// repeated short runs over about `seconds`.
double peak_flops(double seconds);

}  // namespace sinkwise::kernels
