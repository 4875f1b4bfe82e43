#pragma once

#include <cstdint>

namespace sinkwise::tokenizer {

// A row of the embedding matrix; never negative.
using TokenId = std::int32_t;

}  // namespace sinkwise::tokenizer
