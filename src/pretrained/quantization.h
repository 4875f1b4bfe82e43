#pragma once

#include <cstdint>
#include <optional>

#include "config_reader.h"
#include "sinkwise/weights/weights.h"

namespace sinkwise::pretrained {

inline constexpr char kScaleSuffix[] = ".weight_scale_inv";

// 8-bit floats with one factor for each block of rows x columns of a matrix: the number of a matrix
// "weight" is its 8 bits times the factor in "weight_scale_inv" (the FP8 releases of Qwen3 and
// others).
struct BlockScales {
  std::int64_t rows = 0, columns = 0;
};

// What config.json and the tensors say of quantised weights: block scales, or none for numbers that
// stand for themselves and for GPT-OSS's packed experts, which their family reads. Unsupported for
// any other way, since its numbers without their factors would pass for weights.
std::optional<BlockScales> block_scales_of(const ConfigReader& config,
                                           const weights::Weights& weights);

}  // namespace sinkwise::pretrained
