#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "sinkwise/core/file.h"

namespace sinkwise::checkpoint {

// An append-only log of JSON objects, one a line, each with a whole number "step". Doubles are
// written so that they read back to the same bits; NaN and infinities become null, because the line
// of a diverged step is the one that somebody will look for. A kill loses at most the line being
// written.
class JsonLog {
 public:
  // Opens `path` for appending, created when missing; cuts off an unfinished last line.
  explicit JsonLog(const std::filesystem::path& path);

  // Writes and syncs one line. BadArgument when the record is no object with a whole number
  // "step" >= 0, or holds a string that is no UTF-8. After a ResourceError the log is as before.
  void append(const nlohmann::json& record);

  // For a resume from `step`: keeps only the whole, valid lines whose "step" is at most `step`, so
  // that the log goes on as one that was never interrupted. Atomic; after a ResourceError the
  // object must not be used again.
  void truncate_after(std::int64_t step);

 private:
  void cut_unfinished_line();

  OutputFile file_;
};

}  // namespace sinkwise::checkpoint
