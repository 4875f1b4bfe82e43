#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinkwise/checkpoint/run_directory.h"

namespace sinkwise::checkpoint {

// "step-N", and N of exactly such a name (no leading zeros, nothing behind).
std::string step_name(std::int64_t step);
std::optional<std::int64_t> step_of(std::string_view name);

// The entries of a directory in no particular order, links and hidden ones included.
std::vector<std::string> list_names(const std::filesystem::path& directory);

// The steps that have a step-N in `run`, highest first, intact or not.
std::vector<std::int64_t> list_steps(const std::filesystem::path& run);

// BadFile unless step-N is a directory whose manifest is valid and whose files are there in their
// right sizes, and with their right hashes when `hashes`.
enum class Verify { sizes, hashes };
void verify_checkpoint(const std::filesystem::path& run, std::int64_t step, Verify verify);

// Verified by hashes and mapped.
Checkpoint load_checkpoint(const std::filesystem::path& run, std::int64_t step);

}  // namespace sinkwise::checkpoint
