#include "quantization.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "sinkwise/core/error.h"
#include "sinkwise/core/text.h"

namespace sinkwise::pretrained {
namespace {

constexpr char kWayOut[] = "use the folder before quantisation, or a GGUF file of the model";

// How fbgemm, compressed-tensors, modelopt, bitsandbytes, GPTQ and AWQ name what belongs to a
// matrix that they quantised.
constexpr std::array<std::string_view, 9> kFactors = {
    ".weight_scale", ".weight_scale_2", ".SCB",    ".absmax",   ".weight_packed",
    ".qweight",      ".qzeros",         ".scales", ".quant_map"};

void refuse_factors(const weights::Weights& weights, const std::string& where, bool blocks) {
  for (const weights::Tensor& tensor : weights.tensors()) {
    const bool other = std::ranges::any_of(
        kFactors, [&](std::string_view factor) { return tensor.name.ends_with(factor); });
    if (!other && (blocks || !tensor.name.ends_with(kScaleSuffix))) continue;
    throw Unsupported({"weights are quantised in a way that is not built in", where,
                       "numbers that stand for themselves, or quant_method fp8 with blocks",
                       printable(tensor.name), kWayOut});
  }
}

}  // namespace

std::optional<BlockScales> block_scales_of(const ConfigReader& config,
                                           const weights::Weights& weights) {
  const ConfigReader quantised = config.object("quantization_config");
  const std::string method = quantised.text("quant_method", "");
  std::optional<BlockScales> scales;
  if (method == "fp8" && quantised.has("weight_block_size")) {
    const auto sizes = quantised.sizes("weight_block_size");
    if (sizes.size() != 2 || sizes[0] < 1 || sizes[1] < 1) {
      quantised.refuse("weight_block_size", "two sizes above 0");
    }
    scales = BlockScales{sizes[0], sizes[1]};
  } else if (config.has("quantization_config") &&
             !(method == "mxfp4" && config.text("model_type", "") == "gpt_oss")) {
    throw Unsupported({"weights are quantised in a way that is not built in",
                       quantised.where() + ", quant_method",
                       "fp8 with weight_block_size, or mxfp4 of gpt_oss",
                       method.empty() ? "nothing" : printable(method), kWayOut});
  }
  refuse_factors(weights, config.where(), scales.has_value());
  return scales;
}

}  // namespace sinkwise::pretrained
