#include "mxfp4.h"

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::pretrained {

at::Tensor mxfp4_matrices(const at::Tensor& blocks, const at::Tensor& scales,
                          const std::string& name) {
  if (blocks.dim() != 4 || blocks.size(3) != 16 || scales.sizes() != blocks.sizes().slice(0, 3)) {
    throw BadFile({"MXFP4 blocks and scales do not fit together", printable(name),
                   "blocks [E, rows, G, 16] and scales [E, rows, G]",
                   concat(blocks.sizes(), " and ", scales.sizes()), ""});
  }
  // The 16 numbers of E2M1: a sign, two bits of exponent, one of mantissa.
  const at::Tensor numbers = at::tensor({0.0F, 0.5F, 1.0F, 1.5F, 2.0F, 3.0F, 4.0F, 6.0F,  //
                                         -0.0F, -0.5F, -1.0F, -1.5F, -2.0F, -3.0F, -4.0F, -6.0F});
  at::Tensor result = at::empty({blocks.size(0), blocks.size(1), blocks.size(2) * 32}, at::kFloat);
  for (std::int64_t e = 0; e < blocks.size(0); ++e) {  // one expert at a time, to bound the memory
    const at::Tensor bytes = blocks[e].to(at::kInt);   // [rows, G, 16]
    const at::Tensor halves = at::stack({bytes.bitwise_and(15), bytes.bitwise_right_shift(4)}, -1);
    const at::Tensor values = numbers.take(halves.to(at::kLong)).flatten(2, 3);  // [rows, G, 32]
    const at::Tensor scale = at::exp2(scales[e] - 127.0).unsqueeze(-1);
    result[e].copy_((values * scale).flatten(1, 2));
  }
  return result;
}

}  // namespace sinkwise::pretrained
