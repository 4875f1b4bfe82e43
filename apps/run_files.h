#pragma once

#include <filesystem>

namespace sinkwise::apps {

// Removes the run in a directory, so that the same command starts over. Does nothing where there is
// none. BadConfig unless `force`; LockedError while somebody trains it. What no run writes
// (docs/run_directory.md) is somebody's own, and stays.
void start_over(const std::filesystem::path& directory, bool force);

}  // namespace sinkwise::apps
