#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace sinkwise::weights {

enum class FileFormat { safetensors, gguf };

// Told from the first bytes, whatever the name says. Unsupported for a pickle, with the way to
// convert it; BadFile for anything else.
FileFormat file_format(std::span<const std::byte> bytes, const std::filesystem::path& path);

[[noreturn]] void refuse_pickle(const std::filesystem::path& path);

}  // namespace sinkwise::weights
