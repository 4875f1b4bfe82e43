#pragma once

#include <filesystem>

#include "sinkwise/core/file.h"

namespace sinkwise::checkpoint {

// Takes the lock of `run` for as long as the returned file is open, and writes into it who holds
// it. LockedError naming the holder when another process (or another object of this one) has it.
OutputFile lock_run(const std::filesystem::path& run);

}  // namespace sinkwise::checkpoint
