#pragma once

#include <string>

#include <torch/torch.h>

namespace sinkwise::pretrained {

// The matrices of a stack of experts, as the released GPT-OSS files pack them: blocks [E, rows, G,
// 16] of bytes, two 4-bit floats each (the low half first), and scales [E, rows, G], a power of two
// 2^(byte - 127) for the 32 numbers of a block. Both as float32. Gives [E, rows, 32 G]. BadFile
// that names `name` when the shapes do not fit.
at::Tensor mxfp4_matrices(const at::Tensor& blocks, const at::Tensor& scales,
                          const std::string& name);

}  // namespace sinkwise::pretrained
