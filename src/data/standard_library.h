#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "text_files.h"

namespace sinkwise::data {

// The library's own sources under `folder`, whole files in a fixed order until max_bytes is
// reached. BadFile when there is nothing to read.
std::vector<TextFile> read_standard_library(const std::filesystem::path& folder,
                                            std::int64_t max_bytes);

}  // namespace sinkwise::data
