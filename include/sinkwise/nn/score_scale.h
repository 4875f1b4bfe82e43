#pragma once

#include "sinkwise/nn/attention.h"

namespace sinkwise::nn {

// What scores are multiplied by: AttentionConfig::scale, or 1 / sqrt(D).
double score_scale(const AttentionConfig& config);

}  // namespace sinkwise::nn
