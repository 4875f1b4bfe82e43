#pragma once

#include <cstdint>

#include "gguf_cursor.h"
#include "sinkwise/weights/gguf.h"

namespace sinkwise::weights {

// Reads `count` keys with their values. BadFile when a key is repeated, a type is unknown, a bool
// is neither 0 nor 1, or arrays are nested too deeply.
GgufMetadata::Map read_gguf_metadata(GgufCursor& cursor, std::uint64_t count);

}  // namespace sinkwise::weights
