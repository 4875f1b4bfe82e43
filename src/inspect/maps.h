#pragma once

#include <vector>

#include "sinkwise/inspect/inspection.h"
#include "sinkwise/nn/attention.h"

namespace sinkwise::inspect {

// The weights of every head on the first `most` tokens of the first window of a record.
std::vector<HeadMap> maps_of(const nn::AttentionRecord& record, const nn::AttentionConfig& config,
                             std::int64_t layer, std::int64_t most);

}  // namespace sinkwise::inspect
